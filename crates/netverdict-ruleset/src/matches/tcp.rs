//! `-m tcp`: ports, flags and options of a TCP header.

use std::fmt;

use netverdict_net::PortRange;

use crate::Invertible;
use crate::value::join;

/// Tests a TCP header. All parts must hold. Needs `-p tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcp {
    /// `--sport`; every port if not given.
    pub source: Invertible<PortRange>,
    /// `--dport`; every port if not given.
    pub destination: Invertible<PortRange>,
    /// `--tcp-flags`; nothing under an empty mask if not given.
    pub flags: Invertible<TcpFlags>,
    /// `--tcp-option`: an option of this kind (1..=255) is present.
    pub option: Option<Invertible<u8>>,
}

impl Default for Tcp {
    fn default() -> Self {
        Self {
            source: Invertible::plain(PortRange::ANY),
            destination: Invertible::plain(PortRange::ANY),
            flags: Invertible::default(),
            option: None,
        }
    }
}

/// A test of byte 13 of the TCP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags {
    /// Which bits are looked at.
    pub mask: u8,
    /// Which of all bits must be set.
    pub set: u8,
}

impl TcpFlags {
    /// Names and bits, in the order they are printed.
    pub const NAMES: [(&'static str, u8); 6] = [
        ("FIN", 0x01),
        ("SYN", 0x02),
        ("RST", 0x04),
        ("PSH", 0x08),
        ("ACK", 0x10),
        ("URG", 0x20),
    ];

    /// `--syn`: SYN set; FIN, RST and ACK clear.
    pub const SYN: Self = Self {
        mask: 0x17,
        set: 0x02,
    };

    /// Whether the flags byte passes.
    pub const fn matches(self, flags: u8) -> bool {
        flags & self.mask == self.set
    }
}

fn write_bits(f: &mut fmt::Formatter<'_>, bits: u8) -> fmt::Result {
    let mut names = TcpFlags::NAMES
        .iter()
        .filter(|(_, bit)| bits & bit != 0)
        .map(|(name, _)| name)
        .peekable();
    if names.peek().is_none() {
        return f.write_str("NONE");
    }
    join(f, names, ",")
}

/// `FIN,SYN,RST,ACK SYN`.
impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_bits(f, self.mask)?;
        f.write_str(" ")?;
        write_bits(f, self.set)
    }
}

/// Writes the port options that the tcp and udp matches share: a test for every port is left out, even inverted.
pub(crate) fn write_ports(
    f: &mut fmt::Formatter<'_>,
    source: &Invertible<PortRange>,
    destination: &Invertible<PortRange>,
) -> fmt::Result {
    for (option, test) in [("--sport", source), ("--dport", destination)] {
        if test.value != PortRange::ANY {
            write!(f, "{} {option} {}", test.bang(), test.value)?;
        }
    }
    Ok(())
}

impl fmt::Display for Tcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ports(f, &self.source, &self.destination)?;
        if let Some(option) = self.option {
            write!(f, "{} --tcp-option {}", option.bang(), option.value)?;
        }
        if self.flags.value.mask != 0 || self.flags.inverted {
            write!(f, "{} --tcp-flags {}", self.flags.bang(), self.flags.value)?;
        }
        Ok(())
    }
}
