//! `-m connmark`: the connection's mark.

use std::fmt;

use crate::{Invertible, MarkMask};

/// Tests the mark of the packet's connection; false, even inverted, without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connmark {
    /// `--mark`.
    pub mark: Invertible<MarkMask>,
}

impl fmt::Display for Connmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --mark {}", self.mark.bang(), self.mark.value)
    }
}
