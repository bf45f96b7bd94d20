//! `-j SNPT` and `-j DNPT`: stateless IPv6 prefix translation (RFC 6296).

use std::fmt;
use std::net::Ipv6Addr;

/// Replaces a prefix of the source (SNPT) or destination (DNPT) and goes on. mangle table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Npt {
    /// `--src-pfx`.
    pub from: NptPrefix,
    /// `--dst-pfx`.
    pub to: NptPrefix,
}

/// A prefix of at most 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NptPrefix {
    /// Its address; bits beyond the length are zero.
    pub addr: Ipv6Addr,
    /// Its length in bits.
    pub len: u8,
}

impl fmt::Display for NptPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}

impl fmt::Display for Npt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --src-pfx {} --dst-pfx {}", self.from, self.to)
    }
}
