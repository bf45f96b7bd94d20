//! `netverdict audit`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::Printed;
use super::inputs::{Host, Model, Overrides};
use super::lint::Findings;

/// Holds a capture against a host's rules: what contradicts them, which rules it exercises, and what lint finds
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict audit bundle/ traffic.pcapng
  netverdict audit host.rules traffic.pcap --min-coverage 80
  netverdict audit after.rules traffic.pcap --before before.rules
  netverdict audit bundle/ captures/ --format lcov -o rules.info

Exit codes: 0 nothing found at or above --fail-on and enough coverage, 1 something found or too
little, 2 bad usage or unreadable input.")]
pub(crate) struct Audit {
    #[command(flatten)]
    pub(crate) host: Host,

    /// Captures, as `replay` takes them
    #[arg(value_name = "CAPTURE", required = true)]
    pub(crate) captures: Vec<OsString>,

    /// A dump of the same rules from when the capture began, with counters: HOST's counters must have risen by at least
    /// what the capture makes
    #[arg(long, value_name = "DUMP", help_heading = "Findings")]
    pub(crate) before: Option<PathBuf>,

    /// End in 1 if less of the rules that can be hit were
    #[arg(long, value_name = "PERCENT", value_parser = percent, help_heading = "Findings")]
    pub(crate) min_coverage: Option<f64>,

    /// Make a finding of each rule and chain that no packet exercised
    #[arg(long, help_heading = "Findings")]
    pub(crate) unexercised: bool,

    #[command(flatten)]
    pub(crate) findings: Findings,

    #[command(flatten)]
    pub(crate) overrides: Overrides,

    #[command(flatten)]
    pub(crate) model: Model,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

fn percent(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.trim_end_matches('%').trim().parse().ok();
    number
        .filter(|n| (0.0..=100.0).contains(n))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Each finding with its packets, causes and the lines that it is about
    #[default]
    Text,
    /// One document, schema netverdict.audit/1
    Json,
    /// For a pull request
    Markdown,
    /// For a CI server: a failed test for each finding
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Rule coverage as line coverage of the dump, for genhtml and editors
    Lcov,
}
