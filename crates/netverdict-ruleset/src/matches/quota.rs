//! `-m quota`: a budget of bytes.

use std::fmt;

use crate::Invertible;

/// True until the rule's packets have used up so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// `--quota`: bytes when loaded.
    pub bytes: Invertible<u64>,
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --quota {}", self.bytes.bang(), self.bytes.value)
    }
}
