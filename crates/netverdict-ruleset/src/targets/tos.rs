//! `-j TOS`: sets type of service or traffic class.

use std::fmt;

use crate::matches::TosMask;

/// Makes the byte `(tos & !mask) ^ value` and goes on. mangle table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tos {
    /// `--set-tos`.
    pub set: TosMask,
}

impl Tos {
    /// The new byte.
    pub const fn apply(self, tos: u8) -> u8 {
        (tos & !self.set.mask) ^ self.set.value
    }
}

impl fmt::Display for Tos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --set-tos {}", self.set)
    }
}
