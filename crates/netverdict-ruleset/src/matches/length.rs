//! `-m length`: the packet's length.

use std::fmt;

use netverdict_net::PortRange;

use crate::Invertible;

/// Tests the length in bytes from the IP header on (IPv4 total length; IPv6 header included).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// `--length`, inclusive.
    pub length: Invertible<PortRange>,
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --length {}", self.length.bang(), self.length.value)
    }
}
