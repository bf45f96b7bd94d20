//! `-m ttl`: IPv4 time to live.

use std::fmt;

/// Tests the time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    /// The comparison.
    pub test: HopTest,
}

/// A comparison of a hop count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HopTest {
    /// Equal.
    Equal(u8),
    /// Not equal.
    NotEqual(u8),
    /// Below.
    Less(u8),
    /// Above.
    Greater(u8),
}

impl HopTest {
    /// Whether a packet's value passes.
    pub const fn matches(self, value: u8) -> bool {
        match self {
            Self::Equal(n) => value == n,
            Self::NotEqual(n) => value != n,
            Self::Less(n) => value < n,
            Self::Greater(n) => value > n,
        }
    }

    pub(crate) fn write(self, f: &mut fmt::Formatter<'_>, prefix: &str) -> fmt::Result {
        match self {
            Self::Equal(n) => write!(f, " --{prefix}-eq {n}"),
            Self::NotEqual(n) => write!(f, " ! --{prefix}-eq {n}"),
            Self::Less(n) => write!(f, " --{prefix}-lt {n}"),
            Self::Greater(n) => write!(f, " --{prefix}-gt {n}"),
        }
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.test.write(f, "ttl")
    }
}
