//! What a case expects of one packet: `-> DROP dropped, filter INPUT policy, NEW`.

use std::fmt;

/// One packet's end. Parts that do not apply are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expect {
    pub(crate) verdict: String,
    pub(crate) fate: String,
    /// `filter INPUT 3` or `filter INPUT policy`.
    pub(crate) rule: Option<String>,
    pub(crate) state: Option<String>,
    /// The header as it left or was delivered, if it is another than it came with.
    pub(crate) nat: Option<String>,
    /// What it carried, as lines, if that is other than what it came with.
    pub(crate) says: Vec<String>,
    /// What the kernel answered.
    pub(crate) answers: Vec<String>,
    /// Why, where no rule said so.
    pub(crate) reason: Option<String>,
}

const STATES: [&str; 5] = ["NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"];

impl Expect {
    /// Reads what follows `->`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split(", ").map(str::trim);
        let first = parts.next().unwrap_or_default();
        let (verdict, fate) = first
            .split_once(' ')
            .ok_or_else(|| format!("`{first}` is no verdict and fate"))?;
        let mut expect = Self {
            verdict: verdict.to_owned(),
            fate: fate.to_owned(),
            ..Self::default()
        };
        for part in parts {
            let owned = Some(part.to_owned());
            if STATES.contains(&part) {
                expect.state = owned;
            } else if let Some(ends) = part.strip_prefix("as ") {
                expect.nat = Some(ends.to_owned());
            } else if let Some(kind) = part.strip_prefix("answers ") {
                expect.answers.push(kind.to_owned());
            } else if let Some(reason) = part.strip_prefix('(').and_then(|p| p.strip_suffix(')')) {
                expect.reason = Some(reason.to_owned());
            } else if part.split(' ').count() == 3 {
                expect.rule = owned;
            } else {
                return Err(format!(
                    "`{part}` is no rule, state, translation, answer or reason"
                ));
            }
        }
        Ok(expect)
    }

    /// Whether the packet neither left nor was delivered.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.fate.as_str(), "dropped" | "queued" | "held")
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verdict, self.fate)?;
        for part in self.rule.iter().chain(&self.state) {
            write!(f, ", {part}")?;
        }
        if let Some(ends) = &self.nat {
            write!(f, ", as {ends}")?;
        }
        for kind in &self.answers {
            write!(f, ", answers {kind}")?;
        }
        match &self.reason {
            Some(reason) => write!(f, ", ({reason})"),
            None => Ok(()),
        }
    }
}
