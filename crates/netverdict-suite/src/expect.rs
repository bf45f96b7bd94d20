//! What a case expects: which packets, and what of them.

mod packets;
mod query;
mod read;
mod rule;

pub(crate) use read::read;
pub(crate) use rule::every;

pub(crate) use packets::Flows;
pub use packets::{Ends, Packets, Span};
pub use query::{Count, Translation, Wanted};
pub use rule::RuleQuery;

/// One `[[expect]]`.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where it begins in the case's file.
    pub line: usize,
    /// What its author calls it.
    pub name: Option<String>,
    /// Its words, for messages: `port 22, state NEW`.
    pub text: String,
    /// The hosts of a matrix that it is about; empty for all.
    pub hosts: Vec<String>,
    pub what: Expected,
}

/// What is expected.
#[derive(Debug, Clone)]
pub enum Expected {
    /// Each of these packets is so; and there are so many of them.
    All {
        packets: Packets,
        wanted: Wanted,
        count: Count,
    },
    /// None of these packets is so.
    None { packets: Packets, wanted: Wanted },
    /// The rule counts so many packets.
    Hits { rule: RuleQuery, count: Count },
}

impl Expectation {
    /// Whether it is about this host.
    pub fn is_about(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|name| name == host)
    }

    /// What it is called in reports.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.text)
    }
}
