//! `-j MARK`: sets the packet's mark.

use std::fmt;

/// Makes the mark `(mark & !mask) ^ value` and goes on. `--set-mark`, `--and-mark`, `--or-mark` and `--xor-mark` are
/// short for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Bits that are flipped after clearing.
    pub value: u32,
    /// Bits that are cleared first.
    pub mask: u32,
}

impl Mark {
    /// The new mark.
    pub const fn apply(self, mark: u32) -> u32 {
        (mark & !self.mask) ^ self.value
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --set-xmark {:#x}/{:#x}", self.value, self.mask)
    }
}
