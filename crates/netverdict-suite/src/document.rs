//! What a run of cases found, as a document: what `--format json` prints, and what every other format is made from.
//!
//! Its JSON form is a promise: fields are added, never changed or removed, under one `schema` name.

use std::io::{self, Write};

use netverdict_report::document;
use netverdict_report::model::{Assumption, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name and version of the JSON form.
pub const SCHEMA: &str = "netverdict.test/1";

/// What the cases said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "netverdict test")]
pub struct Report {
    /// Always `netverdict.test/1`.
    pub schema: String,
    /// The netverdict that wrote it.
    pub version: String,
    /// Whether new and orphaned snapshots were failures.
    pub ci: bool,
    /// The seed of the order in which the cases ran, where it was not that of their names.
    pub shuffle: Option<u64>,
    pub totals: Totals,
    /// One for each case, or for each host of a case that has several; by name.
    pub runs: Vec<Run>,
    /// Snapshots that no run has.
    pub orphans: Vec<Orphan>,
}

/// How many runs ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    pub passed: u64,
    pub failed: u64,
    /// Runs of cases, hosts or captures that cannot be read.
    pub unreadable: u64,
    /// Runs that `--fail-fast` left out.
    pub not_run: u64,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The case's name, with `@HOST` where it has several hosts.
    pub name: String,
    pub description: Option<String>,
    /// The case's directory.
    pub directory: String,
    pub status: Status,
    pub packets: u64,
    pub flows: u64,
    /// How many expectations were held against them.
    pub expectations: u64,
    pub snapshot: Snapshot,
    pub failures: Vec<Failure>,
    /// What cannot be read.
    pub error: Option<String>,
    /// What was taken for granted about the host, each with what overrides it.
    pub assumptions: Vec<Assumption>,
    pub warnings: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Passed,
    Failed,
    Unreadable,
    NotRun,
}

/// A run's snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Null where the case keeps none.
    pub path: Option<String>,
    pub state: SnapshotState,
}

/// What the verdicts are to their snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotState {
    /// The case keeps none, or did not run.
    None,
    Same,
    Changed,
    /// There was none: the verdicts wait beside it in `.snap.new`, unless in CI.
    New,
    /// It was new or changed, and was taken.
    Accepted,
}

/// A snapshot that no run has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Orphan {
    pub path: String,
    /// Whether `--accept` removed it.
    pub removed: bool,
}

/// What is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Failure {
    /// An `[[expect]]` does not hold.
    Expectation(Box<Unmet>),
    /// The verdicts are not those of the snapshot, or there is none.
    Snapshot(Changes),
}

/// An expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unmet {
    /// The case's file and the line where the expectation begins.
    pub file: String,
    pub line: u64,
    /// Its name, or its words.
    pub title: String,
    /// What is wrong, in words.
    pub problem: String,
    /// The first packet at fault.
    pub packet: Option<Packet>,
    pub expected: Option<Said>,
    pub actual: Option<Said>,
}

/// A packet of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Packet {
    /// Counted from 1 over all captures and the lines of `packets` behind them.
    pub packet: u64,
    /// The capture and the frame's number in it, from 1.
    pub file: Option<String>,
    pub n: Option<u64>,
    /// The line of `packets` that made it.
    pub line: Option<String>,
    pub interface: Option<String>,
    /// `in` or `out`.
    pub direction: String,
    /// `tcp 192.0.2.1:4000 > 192.0.2.9:80`.
    pub header: String,
}

/// What is said of a packet, or expected; what is not expected is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Said {
    /// `ACCEPT local NEW`.
    pub verdict: String,
    /// The deciding rule, or what was expected of it, in words.
    pub rule: Option<String>,
    /// The lines of the dump that it is, or could be.
    pub lines: Vec<Line>,
}

/// A line of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    #[serde(flatten)]
    pub place: Place,
    pub file: String,
    /// The line without its counters.
    pub text: String,
}

/// What differs from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    pub path: String,
    /// Whether there is no snapshot yet.
    pub is_new: bool,
    /// Flows that are not in both as they are.
    pub flows: Vec<FlowChange>,
    /// As `diff -u` prints it.
    pub difference: String,
}

/// A flow that is not as in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowChange {
    /// `tcp 192.0.2.1:4000 > 192.0.2.9:80`.
    pub flow: String,
    /// What the snapshot says, as far as it differs; empty for a flow that is not in it.
    pub expected: Vec<Fact>,
    /// What is; empty for a flow that is no more.
    pub actual: Vec<Fact>,
}

/// Packets of a flow with one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fact {
    /// As the snapshot writes it: how many, where, state, verdict, fate, translation.
    pub text: String,
    /// The deciding rule as the snapshot writes it.
    pub rule: String,
    /// That rule's lines in the dump; none if it is not there.
    pub lines: Vec<Line>,
}

/// Writes the document, indented.
///
/// # Errors
/// The writer's.
pub fn write_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    document::write(report, out)
}

/// The JSON Schema of the document, as shipped in `schemas/`.
pub fn schema() -> String {
    document::schema::<Report>()
}
