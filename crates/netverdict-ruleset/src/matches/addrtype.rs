//! `-m addrtype`: what the routing table says an address is.

use std::fmt;

use crate::Invertible;
use crate::value::join;

/// Tests the route types of both addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Addrtype {
    /// `--src-type`.
    pub source: Option<Invertible<AddrTypes>>,
    /// `--dst-type`.
    pub destination: Option<Invertible<AddrTypes>>,
    /// `--limit-iface-in` or `--limit-iface-out`.
    pub limit: Option<AddrtypeLimit>,
}

/// Restricts the lookup to addresses of one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddrtypeLimit {
    /// The in-device.
    In,
    /// The out-device.
    Out,
}

/// A set of route types, one bit each by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddrTypes(pub u16);

impl AddrTypes {
    /// Names by bit number (`RTN_*` of rtnetlink.h).
    pub const NAMES: [&'static str; 12] = [
        "UNSPEC",
        "UNICAST",
        "LOCAL",
        "BROADCAST",
        "ANYCAST",
        "MULTICAST",
        "BLACKHOLE",
        "UNREACHABLE",
        "PROHIBIT",
        "THROW",
        "NAT",
        "XRESOLVE",
    ];
    pub const UNSPEC: Self = Self(1 << 0);
    pub const UNICAST: Self = Self(1 << 1);
    pub const LOCAL: Self = Self(1 << 2);
    pub const BROADCAST: Self = Self(1 << 3);
    pub const ANYCAST: Self = Self(1 << 4);
    pub const MULTICAST: Self = Self(1 << 5);
    pub const BLACKHOLE: Self = Self(1 << 6);
    pub const UNREACHABLE: Self = Self(1 << 7);
    pub const PROHIBIT: Self = Self(1 << 8);

    /// Whether the sets share a type.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl fmt::Display for AddrTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().enumerate();
        join(
            f,
            names
                .filter(|(bit, _)| self.0 & (1 << bit) != 0)
                .map(|(_, name)| name),
            ",",
        )
    }
}

impl fmt::Display for Addrtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, types) in [
            ("--src-type", self.source),
            ("--dst-type", self.destination),
        ] {
            if let Some(types) = types {
                write!(f, "{} {option} {}", types.bang(), types.value)?;
            }
        }
        f.write_str(match self.limit {
            None => "",
            Some(AddrtypeLimit::In) => " --limit-iface-in",
            Some(AddrtypeLimit::Out) => " --limit-iface-out",
        })
    }
}
