//! `-j TCPMSS`: lowers the maximum segment size of a TCP SYN.

use std::fmt;

/// Rewrites the MSS option and goes on. Needs `-p tcp` and a match on SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tcpmss {
    /// `--set-mss`: bytes.
    Set(u16),
    /// `--clamp-mss-to-pmtu`. FORWARD, OUTPUT, POSTROUTING only.
    ClampToPmtu,
}

impl fmt::Display for Tcpmss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(mss) => write!(f, " --set-mss {mss}"),
            Self::ClampToPmtu => f.write_str(" --clamp-mss-to-pmtu"),
        }
    }
}
