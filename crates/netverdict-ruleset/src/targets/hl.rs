//! `-j HL`: changes the IPv6 hop limit.

use std::fmt;

use super::ttl::HopChange;

/// Changes the hop limit and goes on. mangle table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hl {
    /// The change.
    pub change: HopChange,
}

impl fmt::Display for Hl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.change.write(f, "hl")
    }
}
