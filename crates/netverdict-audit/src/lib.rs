//! What a capture says about a dump: where it contradicts the rules, and which of them it exercises.
//!
//! An [`Auditor`] takes the records of a replay and looks for packets that fared otherwise than the model says;
//! [`coverage`] counts which rules were hit. Both speak in findings of `netverdict-lint`.

mod auditor;
mod counters;
mod coverage;
mod findings;
mod look;
mod places;

pub use auditor::Auditor;
pub use counters::{Before, unexplained};
pub use coverage::{Coverage, CoveredChain, CoveredRule, State, coverage, unexercised};
pub use look::Look;
pub use places::{Places, subject};
