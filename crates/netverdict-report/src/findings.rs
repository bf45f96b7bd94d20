//! Findings of `lint` and `audit` into what people and programs read: one module a format.

pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod sarif;
pub mod text;

use std::fmt::Write as _;

use netverdict_audit::{Coverage, State};
use netverdict_lint::{Finding, Severity};

/// Everything that a finished review reports.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'r> {
    /// `lint` or `audit`.
    pub command: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The host's name, as it was given.
    pub host: &'r str,
    /// The dumps reviewed.
    pub files: &'r [String],
    pub captures: &'r [String],
    /// As [`netverdict_lint::settle`] puts them in order.
    pub findings: &'r [Finding],
    /// What was taken for granted, each with the flag that overrides it.
    pub assumptions: &'r [(String, String)],
    pub warnings: &'r [String],
    /// What of the rules the captures exercised.
    pub coverage: Option<&'r Coverage>,
    /// The least coverage that is asked for, in percent.
    pub min_coverage: Option<f64>,
    /// Whether allowed findings are shown to people, too.
    pub show_allowed: bool,
}

impl Findings<'_> {
    /// Findings that nobody allowed.
    pub fn standing(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.allowed.is_none())
    }

    /// How many findings of a severity stand.
    pub fn count(&self, severity: Severity) -> usize {
        self.standing().filter(|f| f.severity == severity).count()
    }

    /// How many findings are allowed.
    pub fn allowed(&self) -> usize {
        self.findings.len() - self.standing().count()
    }

    /// Findings that a person is shown.
    fn shown(&self) -> impl Iterator<Item = &Finding> {
        let allowed = self.show_allowed;
        self.findings
            .iter()
            .filter(move |f| allowed || f.allowed.is_none())
    }

    /// `2 errors, 1 warning, 3 notes`, and how many are allowed.
    fn summary(&self) -> String {
        let counts = Severity::ALL
            .into_iter()
            .rev()
            .map(|s| (self.count(s), s.name()));
        let counts: Vec<String> = counts
            .filter(|(count, _)| *count > 0)
            .map(|(count, name)| plural(count, name))
            .collect();
        let mut text = if counts.is_empty() {
            "no findings".to_owned()
        } else {
            counts.join(", ")
        };
        match self.allowed() {
            0 => {}
            count => {
                // A text of its own takes any words.
                let _ = write!(text, " ({count} allowed)");
            }
        }
        text
    }

    /// Coverage in one line, if there is any.
    fn coverage_line(&self) -> Option<String> {
        let coverage = self.coverage?;
        let mut text = format!(
            "{:.1} % of the rules that can be hit were: {} hit, {} not exercised, {} dead",
            coverage.percent(),
            coverage.count(State::Hit),
            coverage.count(State::NotExercised),
            coverage.count(State::Dead)
        );
        if let Some(least) = self.min_coverage {
            let meets = coverage.percent() >= least;
            let side = if meets { "at least the" } else { "below the" };
            let _ = write!(text, "; {side} {least} % asked for");
        }
        Some(text)
    }
}

/// What stands before a finding's causes.
const CAUSES: &str = "Likely causes, the likeliest first:";

/// `1 error`, `2 errors`.
fn plural(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}
