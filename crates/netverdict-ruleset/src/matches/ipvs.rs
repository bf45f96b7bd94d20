//! `-m ipvs`: properties of an IPVS connection.

use std::fmt;

use netverdict_net::AddrMask;

use super::conntrack::CtDirection;
use crate::Invertible;
use crate::value::{HostOrNet, bang};

/// Tests the IPVS connection of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ipvs {
    /// `--ipvs` (`Some(true)` if inverted): the packet belongs to IPVS.
    pub property: Option<bool>,
    /// `--vproto`.
    pub protocol: Option<Invertible<u8>>,
    /// `--vaddr`: the virtual service's address.
    pub address: Option<Invertible<AddrMask>>,
    /// `--vport`: the virtual service's port.
    pub port: Option<Invertible<u16>>,
    /// `--vdir`.
    pub direction: Option<CtDirection>,
    /// `--vmethod`.
    pub method: Option<Invertible<IpvsMethod>>,
    /// `--vportctl`: the controlling connection's port.
    pub control_port: Option<Invertible<u16>>,
}

/// How IPVS forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpvsMethod {
    /// Direct routing.
    Gate,
    /// Tunnelling.
    Ipip,
    /// Masquerading.
    Masq,
}

impl fmt::Display for IpvsMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gate => "GATE",
            Self::Ipip => "IPIP",
            Self::Masq => "MASQ",
        })
    }
}

fn write<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    test: Option<Invertible<T>>,
) -> fmt::Result {
    match test {
        Some(test) => write!(f, "{} --{option} {}", test.bang(), test.value),
        None => Ok(()),
    }
}

impl Ipvs {
    /// Whether nothing but `--ipvs` is tested: save prints that option only then.
    const fn is_property_only(&self) -> bool {
        self.protocol.is_none()
            && self.address.is_none()
            && self.port.is_none()
            && self.direction.is_none()
            && self.method.is_none()
            && self.control_port.is_none()
    }
}

impl fmt::Display for Ipvs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(inverted), true) = (self.property, self.is_property_only()) {
            return write!(f, "{} --ipvs", bang(inverted));
        }
        write(f, "vproto", self.protocol)?;
        let address = self.address.map(|a| Invertible {
            inverted: a.inverted,
            value: HostOrNet(a.value),
        });
        write(f, "vaddr", address)?;
        write(f, "vport", self.port)?;
        if let Some(direction) = self.direction {
            write!(f, " --vdir {direction}")?;
        }
        write(f, "vmethod", self.method)?;
        write(f, "vportctl", self.control_port)
    }
}
