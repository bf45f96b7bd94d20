//! `-j CLASSIFY`: the traffic class.

use std::fmt;

/// Sets the packet's priority and goes on. FORWARD, OUTPUT, POSTROUTING.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classify {
    /// `--set-class`: major number in the upper 16 bits, minor in the lower.
    pub priority: u32,
}

impl fmt::Display for Classify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = (self.priority >> 16, self.priority & 0xffff);
        write!(f, " --set-class {major:04x}:{minor:04x}")
    }
}
