//! `-j SNAT`: translates a connection's source.

use std::fmt;

use super::nat::NatRange;

/// Chooses the source of a new connection. nat POSTROUTING and INPUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snat {
    /// `--to-source`.
    pub to: NatRange,
}

impl fmt::Display for Snat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to.write(f, "--to-source")
    }
}
