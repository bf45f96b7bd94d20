//! `-m connlimit`: how many connections an address or network has.

use std::fmt;

/// Compares the number of tracked connections that share the packet's masked address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connlimit {
    /// `--connlimit-above` (`true`) or `--connlimit-upto`.
    pub above: bool,
    /// The number of connections.
    pub limit: u32,
    /// `--connlimit-mask`: prefix length that groups addresses.
    pub prefix_len: u8,
    /// `--connlimit-daddr` (`true`) or `--connlimit-saddr`.
    pub by_destination: bool,
}

impl fmt::Display for Connlimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.by_destination {
            "daddr"
        } else {
            "saddr"
        };
        write!(
            f,
            " --connlimit-{} {} --connlimit-mask {} --connlimit-{side}",
            if self.above { "above" } else { "upto" },
            self.limit,
            self.prefix_len,
        )
    }
}
