//! `-j DNAT`: translates a connection's destination.

use std::fmt;

use super::nat::NatRange;

/// Chooses the destination of a new connection. nat PREROUTING and OUTPUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dnat {
    /// `--to-destination`.
    pub to: NatRange,
}

impl fmt::Display for Dnat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.write(f, "--to-destination")
    }
}
