//! The options that say what the host is and what the inputs leave open.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use netverdict_engine::Fact;

use super::number::{hz, number};

#[derive(Debug, Clone, Args)]
pub(crate) struct Host {
    /// A dump (iptables-save or ip6tables-save text, `-` for standard input) or a bundle: a directory of them, together
    /// with what other standard commands print (`netverdict collect` gathers one)
    #[arg(value_name = "HOST")]
    pub(crate) host: PathBuf,

    /// Another file of the same host, recognised by its contents: the other family's dump, an ipset save, `ip -j addr`…
    #[arg(long, value_name = "FILE", help_heading = "Host")]
    pub(crate) also: Vec<PathBuf>,

    /// Leave out lines that cannot be read or that iptables-restore would refuse, and list them as assumptions
    #[arg(long, help_heading = "Host")]
    pub(crate) lenient: bool,
}

/// What overrides an inference. Each is named in the report beside the assumption that it replaces.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Host")]
pub(crate) struct Overrides {
    /// An address of the host, with its prefix and interface where known
    #[arg(long, value_name = "ADDR[/LEN][@IFACE]")]
    pub(crate) local: Vec<String>,

    /// A sysctl of the host, such as `net.ipv4.ip_forward=1`
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,

    /// The interface of captures that name none
    #[arg(long, value_name = "NAME")]
    pub(crate) iface: Option<String>,

    /// The direction of frames, as the host sees them
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub(crate) direction: Direction,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct Model {
    /// Which backend runs the rules [default: the one that the dump's header names, else legacy]
    #[arg(long, value_name = "BACKEND", value_enum)]
    pub(crate) backend: Option<Backend>,

    /// Whether layer-4 checksums of captured packets are believed
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    pub(crate) checksums: Checksums,

    /// The kernel's tick: ticks a second [default: 250]
    #[arg(long, value_name = "N", value_parser = hz)]
    pub(crate) hz: Option<u32>,

    /// Seed of everything random (statistic, NAT port choice)
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true,
        value_parser = number::<u64>("a number from 0 to 18446744073709551615")
    )]
    pub(crate) seed: u64,

    /// What state and counters take an undecidable match for; `fail` makes such a packet an error
    #[arg(long, value_name = "AS", value_enum, default_value_t)]
    pub(crate) unknown: Unknown,

    /// A fact that the inputs lack, of the whole run or of chosen flows; may be given several times
    ///
    /// `owner uid 1000`, `socket none`, `cpu 0`, `set blocklist match`, `conntrack on`… `netverdict extensions` shows the
    /// facts of every match and target. A flow follows `for`: `owner uid 1000 for tcp 192.0.2.1:* > *:443` is about
    /// packets that came with such a header. Of several facts about the same thing the first one counts.
    #[arg(long, value_name = "FACT", value_parser = netverdict_assume::parse)]
    pub(crate) assume: Vec<Fact>,

    /// Start with the dumps' own counters instead of 0
    #[arg(long)]
    pub(crate) keep_counters: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Direction {
    /// Every frame comes in
    In,
    /// Every frame goes out
    Out,
    /// As packet flags, packet types, own MAC and own addresses say
    #[default]
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// ip_tables
    Legacy,
    /// nf_tables through iptables-nft
    Nft,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Checksums {
    /// Check each
    Verify,
    /// Believe each
    Trust,
    /// Check inbound packets; believe outbound ones, and those that a device is yet to fill in (offload)
    #[default]
    Auto,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Unknown {
    /// As a match that does not match
    #[default]
    NoMatch,
    /// As a match that matches
    Match,
    /// As an error
    Fail,
}
