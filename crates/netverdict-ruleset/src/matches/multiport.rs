//! `-m multiport`: up to 15 ports and port ranges.

use std::fmt;

use netverdict_net::PortRange;

use crate::Invertible;
use crate::value::join;

/// Tests the ports of TCP, UDP, UDP-Lite, SCTP or DCCP, which `-p` must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiport {
    /// Which port.
    pub side: PortSide,
    /// The list: a hit of any entry counts.
    pub ports: Invertible<Vec<PortEntry>>,
}

/// Which of the two ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortSide {
    /// `--sports`.
    Source,
    /// `--dports`.
    Destination,
    /// `--ports`: either.
    Either,
}

/// One entry of the list. A range takes two of the 15 slots, even one of a single port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PortEntry {
    /// `22`.
    Port(u16),
    /// `1024:65535`.
    Range(PortRange),
}

impl PortEntry {
    /// Whether `port` is meant.
    pub const fn contains(self, port: u16) -> bool {
        match self {
            Self::Port(p) => p == port,
            Self::Range(range) => range.contains(port),
        }
    }
}

impl fmt::Display for PortEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "{port}"),
            Self::Range(range) => write!(f, "{}:{}", range.start, range.end),
        }
    }
}

impl fmt::Display for Multiport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let option = match self.side {
            PortSide::Source => "--sports",
            PortSide::Destination => "--dports",
            PortSide::Either => "--ports",
        };
        write!(f, "{} {option} ", self.ports.bang())?;
        join(f, &self.ports.value, ",")
    }
}
