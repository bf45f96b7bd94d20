//! `-m cpu`: the processor that handles the packet.

use std::fmt;

use crate::Invertible;

/// Tests the processor's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpu {
    /// `--cpu`.
    pub cpu: Invertible<u32>,
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --cpu {}", self.cpu.bang(), self.cpu.value)
    }
}
