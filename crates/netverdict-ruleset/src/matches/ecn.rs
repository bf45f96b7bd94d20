//! `-m ecn`: explicit congestion notification bits of IP and TCP.

use std::fmt;

use crate::Invertible;
use crate::value::bang;

/// Tests ECN bits; every given part must hold. The TCP parts need `-p tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ecn {
    /// `--ecn-tcp-ece`: whether ECE must be set (`true`) or clear.
    pub ece: Option<bool>,
    /// `--ecn-tcp-cwr`: whether CWR must be set (`true`) or clear.
    pub cwr: Option<bool>,
    /// `--ecn-ip-ect`: the lower two bits of the TOS byte.
    pub ect: Option<Invertible<u8>>,
}

impl fmt::Display for Ecn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, bit) in [("--ecn-tcp-ece", self.ece), ("--ecn-tcp-cwr", self.cwr)] {
            if let Some(set) = bit {
                write!(f, "{} {option}", bang(!set))?;
            }
        }
        match self.ect {
            Some(ect) => write!(f, "{} --ecn-ip-ect {}", ect.bang(), ect.value),
            None => Ok(()),
        }
    }
}
