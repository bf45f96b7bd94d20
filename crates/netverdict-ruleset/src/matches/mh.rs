//! `-m mh`: the IPv6 mobility header.

use std::fmt;

use crate::{Interval, Invertible};

/// Tests the mobility header's type. Needs `-p mobility-header`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mh {
    /// `--mh-type`; every type if not given.
    pub kind: Invertible<Interval<u8>>,
}

impl Default for Mh {
    fn default() -> Self {
        Self {
            kind: Invertible::plain(Interval::<u8>::ANY),
        }
    }
}

impl fmt::Display for Mh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind.value == Interval::<u8>::ANY {
            return Ok(());
        }
        write!(f, "{} --mh-type {}", self.kind.bang(), self.kind.value)
    }
}
