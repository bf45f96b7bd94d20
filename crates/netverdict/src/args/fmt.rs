//! `netverdict fmt`.

use clap::{Args, ValueEnum};

use super::common::Printed;
use super::inputs::Host;

/// Prints the dumps as iptables-restore -c followed by iptables-save -c would
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict fmt host.rules
  netverdict fmt host.rules -o host.rules
  netverdict fmt --check bundle/
  iptables-save -c | netverdict fmt -

Exit codes: 0; with --check 1 where a dump is not in canonical form; 2 bad usage or unreadable input.")]
pub(crate) struct Fmt {
    #[command(flatten)]
    pub(crate) host: Host,

    /// Print nothing but the first difference of each dump that is not in canonical form, and end in 1 if there is one.
    /// Comment lines and counters are set aside
    #[arg(long)]
    pub(crate) check: bool,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// The text of iptables-save
    #[default]
    Text,
}
