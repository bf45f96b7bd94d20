//! `netverdict diff`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::Printed;
use super::inputs::{Model, Overrides};

/// Replays captures through two hosts and says which flows and packets change, by cause
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict diff old.rules new.rules traffic.pcap
  netverdict diff fixtures/single-server/bundle fixtures/pairs/single-server/new \\
                  fixtures/single-server/captures
  netverdict diff old.rules new.rules traffic.pcap --also ip-addr.json --format markdown
  netverdict diff old.rules new.rules traffic.pcap --only verdict,translation
  iptables-save | netverdict diff - new.rules traffic.pcap

A packet changes if its verdict, fate, deciding rule, translation, mark or out-interface does. Rules are the same rule if
their table, chain and text are; one that only moved is no change unless --strict-rules says so.

Exit codes: 0 nothing changes, 1 something changes, 2 bad usage or unreadable input.")]
pub(crate) struct Diff {
    /// The host as it was: a dump, a bundle's directory, or `-`
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,

    /// The host as it is to be
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,

    /// Captures, as `replay` takes them
    #[arg(value_name = "CAPTURE", required = true)]
    pub(crate) captures: Vec<OsString>,

    /// Give each capture fresh hosts of its own instead of merging them
    #[arg(long)]
    pub(crate) separate: bool,

    /// Take a rule whose number in its chain changed for another rule
    #[arg(long, help_heading = "Comparison")]
    pub(crate) strict_rules: bool,

    /// Compare nothing but these [default: all]
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        value_delimiter = ',',
        help_heading = "Comparison"
    )]
    pub(crate) only: Vec<Aspect>,

    /// Another file of both hosts, recognised by its contents: the other family's dump, an ipset save, `ip -j addr`…
    #[arg(long, value_name = "FILE", help_heading = "Host")]
    pub(crate) also: Vec<PathBuf>,

    /// Another file of OLD alone
    #[arg(long, value_name = "FILE", help_heading = "Host")]
    pub(crate) old_also: Vec<PathBuf>,

    /// Another file of NEW alone
    #[arg(long, value_name = "FILE", help_heading = "Host")]
    pub(crate) new_also: Vec<PathBuf>,

    /// Leave out lines that cannot be read or that iptables-restore would refuse, and list them as assumptions
    #[arg(long, help_heading = "Host")]
    pub(crate) lenient: bool,

    #[command(flatten)]
    pub(crate) overrides: Overrides,

    #[command(flatten)]
    pub(crate) model: Model,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

/// What is compared of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Aspect {
    Verdict,
    /// local, forwarded, sent, dropped, queued
    Fate,
    /// Addresses and ports that it leaves with
    Translation,
    /// The interface that it leaves by
    Interface,
    /// The mark that it leaves with
    Mark,
    /// The rule, policy or reason that decided
    Rule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    #[default]
    Text,
    /// One document, schema netverdict.diff/1
    Json,
    /// For a pull request
    Markdown,
    /// For a CI server: a failed test for each cause of change
    Junit,
}
