//! Why a replay ended early.

use std::io;

use netverdict_capture::CaptureError;
use netverdict_engine::RuleRef;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A capture could not be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// A packet met a match that the inputs do not decide, and that is not allowed (`--unknown fail`).
    #[error("{capture}: packet {number} cannot be decided: {why}")]
    Undecided {
        /// The capture.
        capture: String,
        /// The frame's number in it, from 1.
        number: u64,
        /// The rule with the match; `None` where it is no rule that asks (a route).
        rule: Option<RuleRef>,
        /// The match's index in its rule; `None` for the rule's own tests.
        match_index: Option<u32>,
        /// What is missing.
        why: String,
    },
}
