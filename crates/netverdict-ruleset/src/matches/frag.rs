//! `-m frag`: the IPv6 fragment header.

use std::fmt;

use super::esp::write_spi;
use crate::{Interval, Invertible};

/// Tests the fragment header; false without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frag {
    /// `--fragid`; every id if not given.
    pub id: Invertible<Interval<u32>>,
    /// `--fraglen`: parsed, but the kernel does not test it.
    pub length: Option<Invertible<u32>>,
    /// `--fragres`: the reserved fields are zero.
    pub reserved: bool,
    /// `--fragfirst`: the offset is zero.
    pub first: bool,
    /// `--fragmore` (`true`): more fragments follow; `--fraglast` (`false`): none do.
    pub more: Option<bool>,
}

impl Default for Frag {
    fn default() -> Self {
        Self {
            id: Invertible::plain(Interval::<u32>::ANY),
            length: None,
            reserved: false,
            first: false,
            more: None,
        }
    }
}

impl fmt::Display for Frag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_spi(f, "--fragid", &self.id)?;
        if let Some(length) = self.length {
            write!(f, "{} --fraglen {}", length.bang(), length.value)?;
        }
        f.write_str(if self.reserved { " --fragres" } else { "" })?;
        f.write_str(if self.first { " --fragfirst" } else { "" })?;
        f.write_str(match self.more {
            None => "",
            Some(true) => " --fragmore",
            Some(false) => " --fraglast",
        })
    }
}
