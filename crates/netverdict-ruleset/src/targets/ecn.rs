//! `-j ECN`: takes explicit congestion notification out of headers.

use std::fmt;

/// Writes ECN bits and goes on. IPv4, mangle table only; the TCP parts need `-p tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ecn {
    /// `--ecn-tcp-ece`: the new bit. `--ecn-tcp-remove` clears both TCP bits.
    pub ece: Option<bool>,
    /// `--ecn-tcp-cwr`: the new bit.
    pub cwr: Option<bool>,
    /// `--ecn-ip-ect`: the new lower two bits of the TOS byte.
    pub ect: Option<u8>,
}

impl fmt::Display for Ecn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (self.ece, self.cwr, self.ect) == (Some(false), Some(false), None) {
            return f.write_str(" --ecn-tcp-remove");
        }
        if let Some(ece) = self.ece {
            write!(f, " --ecn-tcp-ece {}", u8::from(ece))?;
        }
        if let Some(cwr) = self.cwr {
            write!(f, " --ecn-tcp-cwr {}", u8::from(cwr))?;
        }
        match self.ect {
            Some(ect) => write!(f, " --ecn-ip-ect {ect}"),
            None => Ok(()),
        }
    }
}
