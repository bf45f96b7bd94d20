//! `-m hl`: IPv6 hop limit.

use std::fmt;

use super::ttl::HopTest;

/// Tests the hop limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hl {
    /// The comparison.
    pub test: HopTest,
}

impl fmt::Display for Hl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.test.write(f, "hl")
    }
}
