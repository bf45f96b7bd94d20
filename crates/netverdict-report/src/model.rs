//! The report as a document: what `--format json` prints, and what every other summary is made from.
//!
//! Its JSON form is a promise: fields are added, never changed or removed, under one `schema` name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name and version of the JSON form.
pub const SCHEMA: &str = "netverdict.report/1";

/// What became of the traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "netverdict report")]
pub struct Report {
    /// Always `netverdict.report/1`.
    pub schema: String,
    /// The netverdict that wrote it.
    pub version: String,
    pub host: Host,
    pub captures: Vec<Capture>,
    /// What was taken for granted for want of input, each with the flag that overrides it.
    pub assumptions: Vec<Assumption>,
    pub settings: Settings,
    /// Frames read, replayed or not.
    pub frames: u64,
    /// Frames by verdict and fate.
    pub totals: Vec<Total>,
    /// Every rule and policy of every dump, in dump order, with its counters and what it decided.
    pub rules: Vec<Rule>,
    /// What ended packets where no rule decided, and why frames were skipped.
    pub reasons: Vec<ReasonTotal>,
    /// Flows with packets dropped or rejected, in order of their first such packet.
    pub blocked: Vec<Flow>,
    /// Blocked packets that are in no listed flow: the list ends at a size that fits memory.
    pub blocked_omitted: u64,
    /// Matches that the inputs do not decide.
    pub unknowns: Vec<Unknown>,
    pub evidence: Evidence,
    /// What the path itself sent: REJECT's answers, ICMP errors, copies.
    pub emitted: Vec<Emitted>,
    pub warnings: Vec<String>,
}

/// The host whose rules were run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The path given, or `-`.
    pub name: String,
    pub files: Vec<File>,
    pub rulesets: Vec<Ruleset>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct File {
    pub path: String,
    /// The command that prints such a file.
    pub command: String,
}

/// One family's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruleset {
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// `legacy` or `nft`: which backend's behaviour was modelled.
    pub backend: String,
    pub path: String,
    pub tables: Vec<String>,
    pub rules: u64,
}

/// A capture that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capture {
    pub path: String,
    /// `pcap`, `pcapng`…
    pub format: String,
    pub compression: Option<String>,
    pub frames: u64,
    /// Earliest and latest time, in seconds since 1970 with nine digits.
    pub first: Option<String>,
    pub last: Option<String>,
    pub interfaces: Vec<String>,
    pub link_types: Vec<String>,
}

/// Something taken for granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assumption {
    /// A stable name of what it is about.
    pub subject: String,
    pub text: String,
    /// The flag or the file that says otherwise.
    pub flag: String,
}

/// The settings of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settings {
    pub hz: u32,
    pub seed: u64,
    /// `verify`, `trust` or `auto`.
    pub checksums: String,
    /// `no-match`, `match` or `fail`.
    pub unknown: String,
    /// Whether each capture had a fresh host of its own.
    pub separate: bool,
    /// Whether the counters began with those of the dumps.
    pub keep_counters: bool,
}

/// Packets and bytes of one verdict and fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Total {
    pub verdict: String,
    pub fate: String,
    pub packets: u64,
    /// IP bytes, as counters count; of skipped frames all bytes on the wire.
    pub bytes: u64,
}

/// A rule or policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rule {
    #[serde(flatten)]
    pub place: Place,
    /// The dump's line without its counters.
    pub text: String,
    /// Its counters after the traffic.
    pub packets: u64,
    pub bytes: u64,
    /// Frames whose verdict it decided.
    pub decided: u64,
    pub decided_bytes: u64,
    /// Packets that met it and could not be decided.
    pub undecided: u64,
}

/// Where a rule is.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Place {
    /// `ipv4` or `ipv6`.
    pub family: String,
    pub table: String,
    pub chain: String,
    pub number: Number,
    /// The line of the dump, from 1; null for a policy that the dump does not name.
    pub line: Option<u32>,
}

/// A rule's number in its chain, from 1, or `"policy"`.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(untagged)]
pub enum Number {
    Rule(u32),
    Policy(Policy),
}

/// The word for a policy.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    Policy,
}

/// Packets of one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonTotal {
    pub reason: String,
    pub verdict: String,
    pub fate: String,
    pub packets: u64,
    pub bytes: u64,
}

/// A flow of which packets were dropped or rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flow {
    /// Null for a packet that belongs to none.
    pub flow: Option<u64>,
    pub verdict: String,
    pub protocol: String,
    pub source: String,
    pub source_port: Option<u16>,
    pub destination: String,
    pub destination_port: Option<u16>,
    /// The interface of the first such packet.
    pub interface: Option<String>,
    pub direction: String,
    /// The rule or policy that decided.
    pub rule: Option<Place>,
    pub reason: Option<String>,
    pub packets: u64,
    pub bytes: u64,
    /// The first such packet.
    pub first: Frame,
}

/// A frame of a capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frame {
    pub file: String,
    /// From 1.
    pub n: u64,
    /// Seconds since 1970 with nine digits.
    pub time: String,
}

/// A match that the inputs do not decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unknown {
    /// The rule that asks; null where routing or connection tracking is undecided.
    pub rule: Option<Place>,
    /// The match as the dump writes it; null for the rule's own tests.
    #[serde(rename = "match")]
    pub test: Option<String>,
    pub why: String,
    /// Packets that met it.
    pub packets: u64,
    /// Those whose verdict hangs on it.
    pub decides: u64,
    pub first: Frame,
}

/// Frames that were not replayed but held against the model's prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Frames that bear the model out.
    pub agreed: u64,
    pub contradicted: u64,
    /// The first contradictions.
    pub contradictions: Vec<Contradiction>,
}

/// A frame that contradicts the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contradiction {
    /// The frame seen leaving.
    pub frame: Frame,
    /// The earlier frame that it continues.
    pub of_file: String,
    pub of_n: u64,
    pub what: String,
}

/// Packets that the path itself sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Emitted {
    pub what: String,
    pub packets: u64,
}
