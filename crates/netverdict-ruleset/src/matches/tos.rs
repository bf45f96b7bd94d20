//! `-m tos`: type of service or traffic class.

use std::fmt;

use crate::Invertible;

/// Tests the TOS byte (IPv6: traffic class).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tos {
    /// `--tos`.
    pub tos: Invertible<TosMask>,
}

/// A byte under a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TosMask {
    /// The value.
    pub value: u8,
    /// Which bits count.
    pub mask: u8,
}

impl fmt::Display for TosMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:02x}/0x{:02x}", self.value, self.mask)
    }
}

impl fmt::Display for Tos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --tos {}", self.tos.bang(), self.tos.value)
    }
}
