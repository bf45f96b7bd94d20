//! The capture crate from outside.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "tests"
)]

mod bytes;
/// The corpus of real captures against what capinfos says of each.
mod corpus;
/// Cut, mutated and random files.
mod damage;
/// The fuzz target's body, for the stable toolchain.
#[path = "../../../../fuzz/src/decode_capture.rs"]
mod decode_capture;
/// Inputs that are no captures.
mod errors;
/// File formats and their oddities.
mod formats;
/// Link types and tags.
mod links;
/// Several captures as one stream.
mod merge;
/// What is written is read back, here and by other programs.
mod write;
