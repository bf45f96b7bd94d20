//! Dump text into typed rulesets, with a diagnostic for every line that iptables-restore would refuse.
//!
//! Reading never fails as a whole: each line is a unit of recovery. A line with an error is left out, named, and the rest
//! is read. Nothing here opens a file or knows how a diagnostic is drawn.

mod block;
mod check;
mod command;
mod diagnostic;
mod dump;
mod fingerprints;
mod kind;
mod line;
mod matches;
mod near;
mod problem;
mod services;
mod sets;
mod spec;
mod table;
mod targets;
mod timeouts;
mod value;
mod words;

pub use command::extensions::{match_families, match_names, target_families, target_names};
pub use diagnostic::{Diagnostic, Severity};
pub use dump::{FamilyEvidence, ParseOptions, ParsedDump, ReadRuleset, parse_dump};
pub use fingerprints::{ParsedFingerprints, parse_fingerprints};
pub use kind::{TextKind, recognise};
pub use near::closest;
pub use problem::Code;
pub use sets::{ParsedSets, parse_sets};
pub use timeouts::{ParsedTimeouts, parse_timeouts};
