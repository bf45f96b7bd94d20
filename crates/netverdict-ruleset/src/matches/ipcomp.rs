//! `-m ipcomp`: the parameter index of an IPComp header.

use std::fmt;

use super::esp::write_spi;
use crate::{Interval, Invertible};

/// Tests an IPComp header's 16-bit index. Needs `-p ipcomp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipcomp {
    /// `--ipcompspi`; every index if not given.
    pub index: Invertible<Interval<u32>>,
    /// `--compres`: the reserved field is zero (only the old kernel match looked).
    pub reserved: bool,
}

impl Default for Ipcomp {
    fn default() -> Self {
        Self {
            index: Invertible::plain(Interval::<u32>::ANY),
            reserved: false,
        }
    }
}

impl fmt::Display for Ipcomp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spi(f, "--ipcompspi", &self.index)?;
        f.write_str(if self.reserved { " --compres" } else { "" })
    }
}
