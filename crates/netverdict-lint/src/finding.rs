//! One thing that a reviewer would point at: what, where, why, and what to do about it.

use std::cmp::Reverse;
use std::fmt;

use netverdict_net::Family;
use serde::{Deserialize, Serialize};

use crate::catalogue::Check;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is wrong for certain.
    Note,
    /// Most likely not what was meant.
    Warning,
    /// A hole, or a rule that does not do what it says.
    Error,
}

impl Severity {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Note, Self::Warning, Self::Error];

    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What part of a dump is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// A rule, by its number in its chain, from 1.
    Rule {
        table: &'static str,
        chain: String,
        number: u32,
    },
    /// A chain's policy.
    Policy { table: &'static str, chain: String },
    /// A chain as such.
    Chain { table: &'static str, chain: String },
    /// A table.
    Table { table: &'static str },
    /// A set of the host's ipset listing.
    Set { name: String },
    /// The file as a whole.
    File,
}

/// `filter INPUT 3`, `filter INPUT policy`, `filter DOCKER`, `nat`, `set blocklist`.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule {
                table,
                chain,
                number,
            } => write!(f, "{table} {chain} {number}"),
            Self::Policy { table, chain } => write!(f, "{table} {chain} policy"),
            Self::Chain { table, chain } => write!(f, "{table} {chain}"),
            Self::Table { table } => f.write_str(table),
            Self::Set { name } => write!(f, "set {name}"),
            Self::File => f.write_str("file"),
        }
    }
}

/// A place in one of the host's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name, as it was given.
    pub file: String,
    /// `None` for a file that belongs to no family.
    pub family: Option<Family>,
    pub part: Part,
    /// From 1; `None` where the file has no such line (a chain that it leaves out).
    pub line: Option<u32>,
    /// The line as the file has it, without its end; empty without a line.
    pub text: String,
    /// The first and the last character meant, from 1.
    pub columns: (u32, u32),
}

impl Place {
    /// What is meant there, counters left aside.
    pub fn excerpt(&self) -> &str {
        let skip = self.columns.0.saturating_sub(1) as usize;
        let start = self.text.char_indices().nth(skip).map_or(0, |(at, _)| at);
        self.text.get(start..).unwrap_or_default()
    }
}

/// Another place that the finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    pub place: Place,
    /// What it has to do with it, to stand beside its line.
    pub label: String,
}

/// Who said that a finding is fine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Why.
    pub reason: String,
    /// Where that is written: `rules.v4:7`, `netverdict.toml`.
    pub by: String,
}

/// A packet that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The capture.
    pub file: String,
    /// The frame's number there, from 1.
    pub n: u64,
    /// Seconds since 1970 with nine digits.
    pub time: String,
    /// What it is: `tcp 192.0.2.1:80 > 192.0.2.9:4000 SYN`.
    pub what: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub check: &'static Check,
    /// The check's own severity, or what the circumstances make of it.
    pub severity: Severity,
    /// One line, without a final period.
    pub title: String,
    /// Why, in sentences.
    pub explanation: String,
    /// What to do.
    pub suggestion: String,
    pub place: Place,
    /// What its line's mark says.
    pub label: String,
    pub related: Vec<Related>,
    /// Packets that show it, of findings that a capture leads to.
    pub witnesses: Vec<Witness>,
    /// What may be behind it, the likeliest first.
    pub causes: Vec<String>,
    /// Stays the same while what it is about does, wherever the line moves.
    pub fingerprint: String,
    pub allowed: Option<Allowed>,
}

impl Finding {
    /// A finding of a check's usual severity.
    pub fn new(check: &'static Check, place: Place, title: impl Into<String>) -> Self {
        Self {
            check,
            severity: check.severity,
            title: title.into(),
            explanation: String::new(),
            suggestion: String::new(),
            place,
            label: String::new(),
            related: Vec::new(),
            witnesses: Vec::new(),
            causes: Vec::new(),
            fingerprint: String::new(),
            allowed: None,
        }
    }

    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    #[must_use]
    pub fn because(mut self, explanation: impl Into<String>) -> Self {
        self.explanation = explanation.into();
        self
    }

    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = suggestion.into();
        self
    }

    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    #[must_use]
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push(Related {
            place,
            label: label.into(),
        });
        self
    }
}

/// Puts findings in order and gives each its fingerprint: what a capture contradicts comes first, the gravest before all,
/// the rest in order of places.
pub fn settle(findings: &mut [Finding]) {
    let rank = |f: &Finding| Reverse(f.check.is_contradiction().then_some(f.severity));
    findings.sort_by(|a, b| {
        let key = |f: &Finding| (rank(f), f.place.file.clone(), f.place.line, f.check.id);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.place.part.cmp(&b.place.part))
            .then_with(|| a.title.cmp(&b.title))
    });
    let mut seen: Vec<u64> = Vec::with_capacity(findings.len());
    let mut counts = hashbrown::HashMap::<u64, u32, foldhash::quality::FixedState>::default();
    for finding in findings.iter() {
        seen.push(identity(finding));
    }
    for (finding, hash) in findings.iter_mut().zip(seen) {
        // The second of two equal findings is another one.
        let count = counts.entry(hash).or_default();
        *count += 1;
        finding.fingerprint = format!("{hash:016x}-{count}");
    }
}

/// What a finding is about, whatever its line's number and counters: FNV-1a, which every program computes alike.
fn identity(finding: &Finding) -> u64 {
    let family = finding.place.family.map(|f| f.to_string());
    let part = match &finding.place.part {
        Part::Rule { table, chain, .. } => format!("{table} {chain}"),
        part => part.to_string(),
    };
    let words = [
        finding.check.id,
        family.as_deref().unwrap_or(""),
        part.as_str(),
        finding.place.excerpt(),
    ];
    let bytes = words.iter().flat_map(|w| w.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
