//! `-j TPROXY`: hands packets to a transparent local socket.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::Family;

/// Assigns the packet to a local socket. mangle PREROUTING. Needs `-p tcp` or `-p udp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tproxy {
    /// `--on-port`; 0 for the packet's destination port.
    pub port: u16,
    /// `--on-ip`; the unspecified address for the in-device's.
    pub address: IpAddr,
    /// `--tproxy-mark`: bits that are flipped after clearing.
    pub mark: u32,
    /// Bits of the mark that are cleared first.
    pub mark_mask: u32,
}

impl Tproxy {
    /// What `--on-ip` is if it is not given.
    pub const fn any_address(family: Family) -> IpAddr {
        match family {
            Family::V4 => IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        }
    }
}

impl fmt::Display for Tproxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, address, .. } = self;
        write!(f, " --on-port {port} --on-ip {address}")?;
        write!(f, " --tproxy-mark {:#x}/{:#x}", self.mark, self.mark_mask)
    }
}
