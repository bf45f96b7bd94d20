//! `-m udp`: ports of a UDP header.

use std::fmt;

use netverdict_net::PortRange;

use super::tcp::write_ports;
use crate::Invertible;

/// Tests a UDP header's ports. Needs `-p udp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp {
    /// `--sport`; every port if not given.
    pub source: Invertible<PortRange>,
    /// `--dport`; every port if not given.
    pub destination: Invertible<PortRange>,
}

impl Default for Udp {
    fn default() -> Self {
        Self {
            source: Invertible::plain(PortRange::ANY),
            destination: Invertible::plain(PortRange::ANY),
        }
    }
}

impl fmt::Display for Udp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ports(f, &self.source, &self.destination)
    }
}
