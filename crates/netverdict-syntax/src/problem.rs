//! What can be wrong with a line, before it is known which line it is.

use std::fmt;

/// Bytes of a line, from `start` up to but not including `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// From the start of this to the end of `other`.
    pub(crate) const fn to(self, other: Self) -> Self {
        Self::new(self.start, other.end)
    }
}

/// The kinds of diagnostics, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A line that is no part of a dump.
    Line,
    /// A table nobody knows, or one where none may begin.
    Table,
    /// A chain that is missing, is there twice, or has an impossible name.
    Chain,
    /// A policy or its counters.
    Policy,
    /// An option that none of the loaded extensions has, or a stray word.
    Option,
    /// A value that is malformed or out of range.
    Value,
    /// Options that exclude or require each other.
    Combination,
    /// A match or target that does not exist.
    Extension,
    /// A match, target or interface test that is not legal in this table or chain.
    Place,
    /// A match or target that needs another protocol.
    Protocol,
    /// A jump that leads back to its own chain.
    Loop,
    /// A command that fails on the rules there are.
    Command,
    /// The text as such: line ends, quotes, a missing COMMIT.
    Text,
}

impl Code {
    /// A stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Table => "table",
            Self::Chain => "chain",
            Self::Policy => "policy",
            Self::Option => "option",
            Self::Value => "value",
            Self::Combination => "combination",
            Self::Extension => "extension",
            Self::Place => "place",
            Self::Protocol => "protocol",
            Self::Loop => "loop",
            Self::Command => "command",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something wrong at a place in a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.0.message)]
pub(crate) struct Problem(Box<Details>);

/// What a [`Problem`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Details {
    pub(crate) code: Code,
    /// Where; `None` for the whole line.
    pub(crate) span: Option<Span>,
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
    pub(crate) help: Option<String>,
}

impl Problem {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            code,
            span: None,
            message: message.into(),
            expected: None,
            help: None,
        }))
    }

    /// Says where, unless that is said already.
    pub(crate) fn at(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self
    }

    pub(crate) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// A hint at the candidate that is most like the word, if one is; it goes before other help.
    pub(crate) fn did_you_mean<'c>(
        self,
        word: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> Self {
        match crate::near::closest(word, candidates) {
            Some(known) => self.help(format!("did you mean `{known}`?")),
            None => self,
        }
    }

    pub(crate) fn into_details(self) -> Details {
        *self.0
    }
}

/// The outcome of reading a part of a line.
pub(crate) type Parsed<T> = Result<T, Problem>;
