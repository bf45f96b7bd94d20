//! End-to-end tests of the real binary.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop at the first surprise, and say what they skip"
)]

mod common;

/// Small named cases of netfilter's behaviour, through the model and the kernel.
mod cases;
/// Every command's help, completions, man pages, collect.
mod commands;
/// The kernel here against the model, as `netverdict conform` tells it.
mod conform;
/// Real dumps and captures, where the machine has them.
mod corpus;
/// What a user sees when an input cannot be read.
mod errors;
/// Each output format's promises.
mod formats;
/// Connections and sets that the host had.
mod known;
/// The README's commands, each as written.
mod readme;
/// Every fixture's report.
mod reports;
/// The output does not depend on the number of threads.
mod threads;
/// Pages and snapshots that must not go stale.
mod tidy;
/// One packet's way, captured and sent.
mod trace;
