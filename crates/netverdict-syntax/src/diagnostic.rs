//! What the reader of a dump is told about it.

use std::fmt;

use crate::problem::{Code, Problem};

/// Whether the line was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// iptables-restore, or the kernel behind it, refuses this. The line is left out of the ruleset.
    Error,
    /// Read nevertheless.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One finding about one line of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What kind.
    pub code: Code,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted in characters from 1.
    pub column: u32,
    /// How many characters are meant, at least 1.
    pub length: u32,
    /// What is wrong, a lowercase fragment.
    pub message: String,
    /// The characters that are meant.
    pub found: String,
    /// What was expected in their place, where that can be said.
    pub expected: Option<String>,
    /// What to do about it, where that can be said.
    pub help: Option<String>,
    /// The line as it is in the dump, without its end.
    pub source: String,
}

impl Diagnostic {
    pub(crate) fn new(severity: Severity, line: u32, source: &str, problem: Problem) -> Self {
        let problem = problem.into_details();
        let end = source.trim_end().len();
        let (start, end) = problem.span.map_or((0, end), |span| (span.start, span.end));
        let start = floor_char(source, start);
        let end = floor_char(source, end).max(start);
        let found = source.get(start..end).unwrap_or_default();
        Self {
            severity,
            code: problem.code,
            line,
            column: 1 + source.get(..start).map_or(0, |s| s.chars().count()) as u32,
            length: (found.chars().count() as u32).max(1),
            message: problem.message,
            found: found.to_owned(),
            expected: problem.expected,
            help: problem.help,
            source: source.to_owned(),
        }
    }

    /// Whether a dump with this in it is refused unless asked to be lenient.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

fn floor_char(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// `line 3, column 7: error: unknown option "--foo" (expected …)`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}: {}",
            self.line, self.column, self.severity, self.message
        )?;
        match &self.expected {
            Some(expected) => write!(f, " (expected {expected})"),
            None => Ok(()),
        }
    }
}
