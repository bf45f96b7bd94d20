//! `-m rt`: the IPv6 routing header.

use std::fmt;
use std::net::Ipv6Addr;

use super::esp::write_spi;
use crate::value::join;
use crate::{Interval, Invertible};

/// Tests the routing header; false without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rt {
    /// `--rt-type`.
    pub kind: Option<Invertible<u32>>,
    /// `--rt-segsleft`; every number if not given.
    pub segments_left: Invertible<Interval<u32>>,
    /// `--rt-len`: header length in bytes.
    pub length: Option<Invertible<u32>>,
    /// `--rt-0-res`: the reserved word of type 0 is zero.
    pub reserved: bool,
    /// `--rt-0-addrs`: addresses of type 0, at most 16; empty if not given.
    pub addresses: Vec<Ipv6Addr>,
    /// `--rt-0-not-strict`: the addresses need only occur in this order.
    pub not_strict: bool,
}

impl Default for Rt {
    fn default() -> Self {
        Self {
            kind: None,
            segments_left: Invertible::plain(Interval::<u32>::ANY),
            length: None,
            reserved: false,
            addresses: Vec::new(),
            not_strict: false,
        }
    }
}

impl fmt::Display for Rt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = self.kind {
            write!(f, "{} --rt-type {}", kind.bang(), kind.value)?;
        }
        write_spi(f, "--rt-segsleft", &self.segments_left)?;
        if let Some(length) = self.length {
            write!(f, "{} --rt-len {}", length.bang(), length.value)?;
        }
        f.write_str(if self.reserved { " --rt-0-res" } else { "" })?;
        if !self.addresses.is_empty() {
            f.write_str(" --rt-0-addrs ")?;
            join(f, &self.addresses, ",")?;
        }
        f.write_str(if self.not_strict {
            " --rt-0-not-strict"
        } else {
            ""
        })
    }
}
