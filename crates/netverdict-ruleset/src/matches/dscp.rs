//! `-m dscp`: differentiated services code point.

use std::fmt;

use crate::Invertible;

/// Tests the upper six bits of the TOS byte or traffic class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dscp {
    /// `--dscp`, 0..=63.
    pub dscp: Invertible<u8>,
}

impl fmt::Display for Dscp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --dscp 0x{:02x}", self.dscp.bang(), self.dscp.value)
    }
}
