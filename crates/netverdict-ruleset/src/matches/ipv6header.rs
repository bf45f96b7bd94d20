//! `-m ipv6header`: which extension headers a packet has.

use std::fmt;

use crate::Invertible;
use crate::value::join;

/// Compares the set of headers in the packet's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv6header {
    /// `--header`.
    pub headers: Invertible<Ipv6Headers>,
    /// `--soft`: the listed ones are there; otherwise exactly those are.
    pub soft: bool,
}

/// A set of header kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ipv6Headers(pub u8);

impl Ipv6Headers {
    pub const HOP_BY_HOP: Self = Self(128);
    pub const DESTINATION: Self = Self(64);
    pub const ROUTING: Self = Self(32);
    pub const FRAGMENT: Self = Self(16);
    pub const AUTHENTICATION: Self = Self(8);
    pub const ENCRYPTED: Self = Self(4);
    pub const NO_NEXT: Self = Self(2);
    /// An upper-layer protocol.
    pub const PROTOCOL: Self = Self(1);

    /// Bits and names, in the order they are printed.
    pub const NAMES: [(&'static str, Self); 8] = [
        ("hop-by-hop", Self::HOP_BY_HOP),
        ("ipv6-opts", Self::DESTINATION),
        ("ipv6-route", Self::ROUTING),
        ("ipv6-frag", Self::FRAGMENT),
        ("ah", Self::AUTHENTICATION),
        ("esp", Self::ENCRYPTED),
        ("ipv6-nonxt", Self::NO_NEXT),
        ("protocol", Self::PROTOCOL),
    ];
}

impl fmt::Display for Ipv6Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("NONE");
        }
        let names = Self::NAMES.iter().filter(|(_, bit)| self.0 & bit.0 != 0);
        join(f, names.map(|(name, _)| name), ",")
    }
}

impl fmt::Display for Ipv6header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --header {}", self.headers.bang(), self.headers.value)?;
        f.write_str(if self.soft { " --soft" } else { "" })
    }
}
