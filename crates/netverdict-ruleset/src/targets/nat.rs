//! What SNAT and DNAT map to: addresses, ports, and how one of them is picked.

use std::fmt;

use netverdict_net::{AddrRange, Family, PortRange};

/// A range of addresses and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NatRange {
    /// The addresses; the packet's own if `None`.
    pub addresses: Option<AddrRange>,
    /// The ports; the packet's own if `None`.
    pub ports: Option<NatPorts>,
    /// `--random`: a port at random.
    pub random: bool,
    /// `--random-fully`: a port at random, really.
    pub random_fully: bool,
    /// `--persistent`: one address for all connections of a client.
    pub persistent: bool,
}

/// A range of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NatPorts {
    /// The ports.
    pub range: PortRange,
    /// `/base`: a port as far from the range's start as the packet's own is from `base` (DNAT and REDIRECT).
    pub base: Option<u16>,
}

impl fmt::Display for NatPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PortRange { start, end } = self.range;
        write!(f, "{start}")?;
        if start != end {
            write!(f, "-{end}")?;
        }
        match self.base {
            Some(base) => write!(f, "/{base}"),
            None => Ok(()),
        }
    }
}

/// `10.0.0.1-10.0.0.9:1024-2048`, `[dead::beef]:80`.
struct Place<'a>(&'a NatRange);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NatRange {
            addresses, ports, ..
        } = self.0;
        if let Some(range) = addresses {
            let bracket = ports.is_some() && Family::of(range.start) == Family::V6;
            let (open, close) = if bracket { ("[", "]") } else { ("", "") };
            write!(f, "{open}{range}{close}")?;
        }
        match ports {
            Some(ports) => write!(f, ":{ports}"),
            None => Ok(()),
        }
    }
}

impl NatRange {
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>, option: &str) -> fmt::Result {
        write!(f, " {option} {}", Place(self))?;
        self.write_flags(f)
    }

    pub(crate) fn write_flags(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, on) in [
            (" --random", self.random),
            (" --random-fully", self.random_fully),
            (" --persistent", self.persistent),
        ] {
            f.write_str(if on { option } else { "" })?;
        }
        Ok(())
    }
}
