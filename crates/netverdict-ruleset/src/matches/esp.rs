//! `-m esp`: the security parameters index of an ESP header.

use std::fmt;

use crate::{Interval, Invertible};

/// Tests an ESP header. Needs `-p esp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Esp {
    /// `--espspi`; every index if not given.
    pub spi: Invertible<Interval<u32>>,
}

impl Default for Esp {
    fn default() -> Self {
        Self {
            spi: Invertible::plain(Interval::<u32>::ANY),
        }
    }
}

/// Writes an SPI option unless it asks for every index: the save form leaves that out, even inverted.
pub(crate) fn write_spi(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    spi: &Invertible<Interval<u32>>,
) -> fmt::Result {
    if spi.value == Interval::<u32>::ANY {
        return Ok(());
    }
    write!(f, "{} {option} {}", spi.bang(), spi.value)
}

impl fmt::Display for Esp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spi(f, "--espspi", &self.spi)
    }
}
