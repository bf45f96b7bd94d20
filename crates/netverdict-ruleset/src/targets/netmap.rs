//! `-j NETMAP`: maps one network onto another.

use std::fmt;

use netverdict_net::AddrMask;

/// Replaces the network part of an address: the destination in PREROUTING and OUTPUT, the source in POSTROUTING and INPUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Netmap {
    /// `--to`: the network; bits outside the mask are the packet's own.
    pub to: AddrMask,
}

impl fmt::Display for Netmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --to {}", self.to)
    }
}
