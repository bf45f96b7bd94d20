//! The table of ratios: what is printed, and what a program reads.

use std::fmt::Write as _;

use serde::Serialize;

use crate::profile::Profile;

/// What one side of a comparison took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
}

/// What a ratio is to reach.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// One comparison.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) one: Side,
    pub(crate) other: Side,
    /// `one` divided by `other`.
    pub(crate) ratio: f64,
    pub(crate) goal: Goal,
    pub(crate) met: bool,
}

impl Line {
    pub(crate) fn new(name: impl Into<String>, one: Side, other: Side, goal: Goal) -> Self {
        let ratio = one.value / other.value.max(f64::MIN_POSITIVE);
        let met = match goal {
            Goal::AtLeast(least) => ratio >= least,
            Goal::AtMost(most) => ratio <= most,
        };
        Self {
            name: name.into(),
            one,
            other,
            ratio,
            goal,
            met,
        }
    }
}

/// All that a run measured.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    /// The day, as `2026-01-31`.
    pub(crate) date: String,
    /// The command that measures this again.
    pub(crate) command: String,
    pub(crate) cores: usize,
    pub(crate) packets: u64,
    pub(crate) small_packets: u64,
    pub(crate) runs: u32,
    pub(crate) lines: Vec<Line>,
    /// What could not be measured, and why.
    pub(crate) left_out: Vec<String>,
    pub(crate) profiles: Vec<Profile>,
}

impl Table {
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!(
            "{}, {} cores, {} packets a capture, {} of 64-byte frames, the fastest of {} runs: `{}`\n\n\
             | measured | one | other | ratio | goal | |\n|---|---|---|---|---|---|\n",
            self.date, self.cores, self.packets, self.small_packets, self.runs, self.command
        );
        for line in &self.lines {
            let goal = match line.goal {
                Goal::AtLeast(least) => format!("≥ {least}"),
                Goal::AtMost(most) => format!("≤ {most}"),
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {:.2} | {goal} | {} |",
                line.name,
                side(&line.one),
                side(&line.other),
                line.ratio,
                if line.met { "met" } else { "missed" }
            );
        }
        for why in &self.left_out {
            let _ = writeln!(text, "\n{why}");
        }
        for profile in &self.profiles {
            let _ = write!(text, "\n{}", profile.to_markdown());
        }
        text
    }
}

fn side(side: &Side) -> String {
    let digits = if side.value < 10.0 { 2 } else { 0 };
    format!("{}: {:.digits$} {}", side.name, side.value, side.unit)
}
