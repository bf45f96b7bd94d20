//! `-m eui64`: a source address derived from the MAC address.

use std::fmt;

/// True if the lower half of the IPv6 source is the EUI-64 of the Ethernet source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Eui64;

impl fmt::Display for Eui64 {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}
