//! `-m tcpmss`: the maximum-segment-size option.

use std::fmt;

use netverdict_net::PortRange;

use crate::Invertible;

/// Tests the MSS option of a TCP header. Needs `-p tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tcpmss {
    /// `--mss`, inclusive.
    pub mss: Invertible<PortRange>,
}

impl fmt::Display for Tcpmss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --mss {}", self.mss.bang(), self.mss.value)
    }
}
