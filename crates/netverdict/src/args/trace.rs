//! `netverdict trace`.

use std::ffi::OsString;
use std::num::NonZeroU64;

use clap::{ArgGroup, Args, ValueEnum};

use super::common::Printed;
use super::inputs::{Host, Model, Overrides};
use super::number::number;

/// Shows one packet's whole way: every hook, table, chain, rule and match that it met, and why
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("which").args(["packet", "send"]).required(true).multiple(true),
    after_help = "Examples:
  netverdict trace host.rules traffic.pcap --packet 17
  netverdict trace host.rules --send 'in eth0 tcp 198.51.100.7:40000 > 203.0.113.1:22 syn'
  netverdict trace host.rules --send 'in eth0 udp 192.0.2.9:5000 > 192.0.2.1:53' \\
                              --send 'out eth0 udp 192.0.2.1:53 > 192.0.2.9:5000 ttl=64'
  netverdict trace host.rules traffic.pcap --packet 17 --format kernel

Packets of --send:
  DIRECTION IFACE PROTOCOL SOURCE[:PORT] > DESTINATION[:PORT] [WORD...]
  DIRECTION  in, out
  PROTOCOL   tcp, udp, udplite, sctp, dccp, icmp, icmp6, esp, ah, gre, or a number
  SOURCE     198.51.100.7, 198.51.100.7:40000, 2001:db8::7, [2001:db8::7]:40000
  TCP        syn, ack, fin, rst, psh, urg, ece, cwr, joined by + (syn+ack), or none; seq=N ack-seq=N window=N mss=N
  ICMP       echo-request, echo-reply, or type=N code=N; id=N seq=N
  SCTP       init (default), data, or chunk=N; ESP and AH: spi=N
  any        ttl=N tos=N len=BYTES payload=TEXT payload=0xHEX ip-id=N df mf frag=BYTES
             src-mac=MAC dst-mac=MAC at=SECONDS at=+SECONDS
  len is the whole IP packet's; frag the offset of a fragment; at the time, since 1970 or since the packet before.
  Several --send are one stream; after a capture they follow its last packet."
)]
pub(crate) struct Trace {
    #[command(flatten)]
    pub(crate) host: Host,

    /// Captures, as `replay` takes them
    #[arg(value_name = "CAPTURE", required_unless_present = "send")]
    pub(crate) captures: Vec<OsString>,

    /// The packet's number, counted from 1 over the whole stream
    #[arg(long, value_name = "N", requires = "captures", value_parser = number::<NonZeroU64>("a number from 1 up"))]
    pub(crate) packet: Option<NonZeroU64>,

    /// A packet nobody captured; see below
    #[arg(long, value_name = "PACKET")]
    pub(crate) send: Vec<String>,

    #[command(flatten)]
    pub(crate) overrides: Overrides,

    #[command(flatten)]
    pub(crate) model: Model,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    #[default]
    Text,
    /// One document, schema netverdict.trace/1
    Json,
    /// The kernel's own TRACE lines
    Kernel,
}
