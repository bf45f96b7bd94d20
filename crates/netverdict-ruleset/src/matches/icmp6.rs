//! `-m icmp6`: type and code of an ICMPv6 header.

use std::fmt;

use super::icmp::IcmpTest;
use crate::Invertible;

/// Tests ICMPv6 type and code; type 255 is just that type. Needs `-p icmpv6`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp6 {
    /// `--icmpv6-type`.
    pub test: Invertible<IcmpTest>,
}

impl fmt::Display for Icmp6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --icmpv6-type {}", self.test.bang(), self.test.value)
    }
}
