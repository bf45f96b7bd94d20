//! `-m iprange`: address ranges.

use std::fmt;

use netverdict_net::AddrRange;

use crate::Invertible;

/// Tests source and destination against ranges of any bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Iprange {
    /// `--src-range`.
    pub source: Option<Invertible<AddrRange>>,
    /// `--dst-range`.
    pub destination: Option<Invertible<AddrRange>>,
}

impl fmt::Display for Iprange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (option, range) in [
            ("--src-range", self.source),
            ("--dst-range", self.destination),
        ] {
            if let Some(range) = range {
                let AddrRange { start, end } = range.value;
                write!(f, "{} {option} {start}-{end}", range.bang())?;
            }
        }
        Ok(())
    }
}
