//! `netverdict replay` and `netverdict demo`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use netverdict_replay::Moment;

use super::common::Printed;
use super::inputs::{Host, Model, Overrides};
use super::moment::moment;

/// Runs captures through a host's rules and reports what became of every packet
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict replay host.rules traffic.pcap
  netverdict replay bundle/ captures/ --format json -o report.json
  netverdict replay host.rules --also host6.rules a.pcapng b.pcapng --format packets
  iptables-save | netverdict replay - traffic.pcap --local 192.0.2.1/24@eth0
  tcpdump -w - -i eth0 -c 1000 | netverdict replay host.rules - --iface eth0
  netverdict replay bundle/ traffic.pcap --format conntrack --at +90

Exit codes: 0 whatever the verdicts, 2 bad usage or unreadable input.")]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) host: Host,

    /// pcap or pcapng, plain, gz, zstd or xz; a directory of them; `-` for standard input. Several are one stream, merged by
    /// timestamp
    #[arg(value_name = "CAPTURE", required = true)]
    pub(crate) captures: Vec<OsString>,

    /// Give each capture a fresh host of its own instead of merging them
    #[arg(long)]
    pub(crate) separate: bool,

    /// Stop at TIME and show the host as it was then: a time in RFC 3339, seconds since the epoch, or +seconds from the
    /// first packet
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) at: Option<Moment>,

    #[command(flatten)]
    pub(crate) overrides: Overrides,

    #[command(flatten)]
    pub(crate) model: Model,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

/// Replays an embedded capture through an embedded host
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict demo
  netverdict demo --format packets")]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    #[default]
    Text,
    /// One document, schema netverdict.report/1
    Json,
    /// One JSON object a line for each packet, in capture order
    Packets,
    /// The dumps with counters, as iptables-save -c prints them after the traffic
    Counters,
    /// For a pull request
    Markdown,
    /// One self-contained page with every flow and the rules annotated
    Html,
    /// JUnit XML: a case for each flow, failed where it is UNKNOWN or the capture contradicts it
    Junit,
    /// The captures again, each packet with its verdict as a comment
    Pcapng,
    /// The connection table after the traffic, as conntrack -L -o extended prints it
    Conntrack,
    /// Rule coverage as line coverage of the dumps, for genhtml and editors
    Lcov,
    /// SARIF 2.1.0: where the captures contradict the rules (`audit` finds more)
    Sarif,
}
