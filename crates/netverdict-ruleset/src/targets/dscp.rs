//! `-j DSCP`: sets the differentiated services code point.

use std::fmt;

/// Replaces the upper six bits of the TOS byte or traffic class and goes on. mangle table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dscp {
    /// `--set-dscp`, 0..=63.
    pub dscp: u8,
}

impl fmt::Display for Dscp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --set-dscp 0x{:02x}", self.dscp)
    }
}
