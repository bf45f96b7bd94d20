//! End-to-end tests of the real binary.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests stop at the first surprise, and say what they skip"
)]

mod common;

/// Rules held against captures, as `netverdict audit` tells it.
mod audit;
/// Small named cases of netfilter's behaviour, through the model and the kernel.
mod cases;
/// Every command's help, completions, man pages, collect.
mod commands;
/// Defaults from a file and from the environment.
mod config;
/// The kernel here against the model, as `netverdict conform` tells it.
mod conform;
/// What an audit makes of copies that leave, and of those that do not.
mod contradictions;
/// Real dumps and captures, where the machine has them.
mod corpus;
/// Two hosts under the same captures, as `netverdict diff` tells it.
mod diff;
/// What a user sees when an input cannot be read.
mod errors;
/// Each output format's promises.
mod formats;
/// The examples of every help text, each as written.
mod help_examples;
/// The page, in a browser.
mod html;
/// What other systems run of the repository: action, job template, hook, completions, the book.
mod integrations;
/// Connections and sets that the host had.
mod known;
/// Rules reviewed without traffic, as `netverdict lint` tells it.
mod lint;
/// Checksums that a device is yet to fill in.
mod offload;
/// Captures with verdicts as comments, in tshark.
mod pcapng;
/// The README's commands, each as written.
mod readme;
/// Every fixture's report.
mod reports;
/// Where documented commands run.
mod sandbox;
/// Findings for code scanning.
mod sarif;
/// The schemas that are shipped.
mod schemas;
/// Suites of cases, as `netverdict test` runs them.
mod suite;
/// The output does not depend on the number of threads.
mod threads;
/// Pages and snapshots that must not go stale.
mod tidy;
/// One packet's way, captured and sent.
mod trace;
