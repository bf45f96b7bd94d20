//! `netverdict conform`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::common::Printed;
use super::inputs::{Host, Model, Overrides};

/// Puts the same packets through this machine's real kernel, in a network namespace of its own, and prints every counter,
/// fate or translated header that differs (Linux, root; needs iptables, and ipset for dumps with sets)
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sudo netverdict conform bundle/ traffic.pcap
  sudo netverdict conform host.rules traffic.pcap --pace
  sudo netverdict conform bundle/ captures/ --format junit -o conform.xml

Exit codes: 0 kernel and model agree, 1 something differs, 2 bad usage, unreadable input, or the machine lacks something.")]
pub(crate) struct Conform {
    #[command(flatten)]
    pub(crate) host: Host,

    /// pcap or pcapng, plain, gz, zstd or xz; a directory of them; `-` for standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub(crate) captures: Vec<OsString>,

    /// Replay in real time, for rules that depend on it (limit, hashlimit, recent --seconds, timeouts)
    #[arg(long)]
    pub(crate) pace: bool,

    #[command(flatten)]
    pub(crate) overrides: Overrides,

    #[command(flatten)]
    pub(crate) model: Model,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Agreement in one line, or a line for each difference
    #[default]
    Text,
    /// One document, schema netverdict.conform/1
    Json,
    /// For a CI server: a failed test for each difference
    Junit,
}
