//! `-j TCPOPTSTRIP`: blanks TCP options.

use std::fmt;

use crate::value::join;

/// Overwrites TCP options with NOPs and goes on. mangle table only. Needs `-p tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tcpoptstrip {
    /// `--strip-options`.
    pub options: TcpOptionSet,
}

/// A set of TCP option kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpOptionSet([u64; 4]);

impl TcpOptionSet {
    /// Names that are read for option kinds.
    pub const NAMES: [(&'static str, u8); 6] = [
        ("wscale", 3),
        ("mss", 2),
        ("sack-permitted", 4),
        ("sack", 5),
        ("timestamp", 8),
        ("md5", 19),
    ];

    /// Adds a kind.
    pub const fn insert(&mut self, kind: u8) {
        self.0[(kind >> 6) as usize] |= 1 << (kind & 63);
    }

    /// Whether a kind is in the set.
    pub const fn contains(self, kind: u8) -> bool {
        self.0[(kind >> 6) as usize] & (1 << (kind & 63)) != 0
    }
}

impl fmt::Display for Tcpoptstrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.options == TcpOptionSet::default() {
            return Ok(());
        }
        f.write_str(" --strip-options ")?;
        join(
            f,
            (0..=255).filter(|kind| self.options.contains(*kind)),
            ",",
        )
    }
}
