//! `-m mac`: the Ethernet source address.

use std::fmt;

use netverdict_net::MacAddr;

use crate::Invertible;

/// Tests the Ethernet source; false, even inverted, where there is no Ethernet header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac {
    /// `--mac-source`; `None` for an address that was made unreadable (`XX:XX:XX:XX:XX:XX`): undecidable.
    pub source: Invertible<Option<MacAddr>>,
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --mac-source ", self.source.bang())?;
        match self.source.value {
            Some(mac) => mac.fmt(f),
            None => f.write_str("XX:XX:XX:XX:XX:XX"),
        }
    }
}
