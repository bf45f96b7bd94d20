//! `-j TTL`: changes the IPv4 time to live.

use std::fmt;

/// Changes the time to live and goes on. mangle table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl {
    /// The change.
    pub change: HopChange,
}

/// A change of a hop count, kept within 0..=255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HopChange {
    /// To this value.
    Set(u8),
    /// Up by 1..=255.
    Increase(u8),
    /// Down by 1..=255.
    Decrease(u8),
}

impl HopChange {
    /// The new value.
    pub const fn apply(self, value: u8) -> u8 {
        match self {
            Self::Set(n) => n,
            Self::Increase(n) => value.saturating_add(n),
            Self::Decrease(n) => value.saturating_sub(n),
        }
    }

    pub(crate) fn write(self, f: &mut fmt::Formatter<'_>, prefix: &str) -> fmt::Result {
        match self {
            Self::Set(n) => write!(f, " --{prefix}-set {n}"),
            Self::Increase(n) => write!(f, " --{prefix}-inc {n}"),
            Self::Decrease(n) => write!(f, " --{prefix}-dec {n}"),
        }
    }
}

impl fmt::Display for Ttl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.change.write(f, "ttl")
    }
}
