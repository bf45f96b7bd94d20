//! The snapshot of a run's verdicts: each flow with what became of its packets and which rules decided.
//!
//! It names rules by table, chain and text, not by number or line, so that a rule that moves, or a comment in the dump,
//! changes nothing; and no times, so that a capture may be taken again.

mod file;
mod flows;

pub(crate) use file::{State, Stored, name};
pub(crate) use flows::{Flows, reason, rule, title};

use std::collections::BTreeMap;
use std::fmt::Write;

/// The first line of every snapshot.
pub(crate) const HEAD: &str =
    "# netverdict verdicts 1. Written by `netverdict test --accept`: review changes, do not edit.";

/// A snapshot's text in parts, to tell which flows differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts<'s> {
    /// Each flow's lines by its title; of several equal titles the n-th is the n-th.
    pub(crate) flows: BTreeMap<(&'s str, usize), Vec<&'s str>>,
    /// In the order of the text.
    pub(crate) order: Vec<(&'s str, usize)>,
}

impl<'s> Parts<'s> {
    pub(crate) fn of(text: &'s str) -> Self {
        let mut parts = Self::default();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut current = None;
        for line in text.lines() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            if line.starts_with(' ') {
                let lines = current.and_then(|key| parts.flows.get_mut(&key));
                if let Some(lines) = lines {
                    lines.push(line);
                }
                continue;
            }
            let nth = seen.entry(line).or_insert(0);
            *nth += 1;
            let key = (line, *nth);
            parts.order.push(key);
            parts.flows.insert(key, Vec::new());
            current = Some(key);
        }
        parts
    }
}

/// The difference of two texts as `diff -u` prints it, without its first two lines.
pub(crate) fn difference(old: &str, new: &str) -> String {
    let diff = similar::TextDiff::from_lines(old, new);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        // Writing to a string does not fail.
        let _ = write!(text, "{hunk}");
    }
    text
}
