//! `-m icmp`: type and code of an ICMP header.

use std::fmt;

use crate::{Interval, Invertible};

/// Tests ICMP type and code. Needs `-p icmp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    /// `--icmp-type`.
    pub test: Invertible<IcmpTest>,
}

/// A type with a range of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IcmpTest {
    /// The type; [`IcmpTest::ANY_TYPE`] stands for any type and code (ip_tables' icmp only).
    pub kind: u8,
    /// The codes; all of them if only a type was given.
    pub codes: Interval<u8>,
}

impl IcmpTest {
    /// The type number that iptables gives to `any`.
    pub const ANY_TYPE: u8 = 255;

    /// Every ICMP message.
    pub const ANY: Self = Self {
        kind: Self::ANY_TYPE,
        codes: Interval::<u8>::ANY,
    };
}

/// `3` or `3/1`.
impl fmt::Display for IcmpTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.codes != Interval::<u8>::ANY {
            write!(f, "/{}", self.codes.first)?;
        }
        Ok(())
    }
}

impl fmt::Display for Icmp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bang = self.test.bang();
        match self.test.value.kind {
            IcmpTest::ANY_TYPE => write!(f, "{bang} --icmp-type any"),
            _ => write!(f, "{bang} --icmp-type {}", self.test.value),
        }
    }
}
