//! `-m mark`: the packet's mark.

use std::fmt;

use crate::{Invertible, MarkMask};

/// Tests the packet mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// `--mark`.
    pub mark: Invertible<MarkMask>,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --mark {}", self.mark.bang(), self.mark.value)
    }
}
