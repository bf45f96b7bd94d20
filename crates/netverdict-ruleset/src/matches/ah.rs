//! `-m ah`: an authentication header.

use std::fmt;

use super::esp::write_spi;
use crate::{Interval, Invertible};

/// Tests an authentication header: with iptables one that `-p ah` names, with ip6tables any in the header chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ah {
    /// `--ahspi`; every index if not given.
    pub spi: Invertible<Interval<u32>>,
    /// `--ahlen` (IPv6): header length in bytes; not tested if `None`.
    pub length: Option<Invertible<u32>>,
    /// `--ahres` (IPv6): the reserved field is zero.
    pub reserved: bool,
}

impl Default for Ah {
    fn default() -> Self {
        Self {
            spi: Invertible::plain(Interval::<u32>::ANY),
            length: None,
            reserved: false,
        }
    }
}

impl fmt::Display for Ah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spi(f, "--ahspi", &self.spi)?;
        if let Some(length) = self.length {
            write!(f, "{} --ahlen {}", length.bang(), length.value)?;
        }
        f.write_str(if self.reserved { " --ahres" } else { "" })
    }
}
