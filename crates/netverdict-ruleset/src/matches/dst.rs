//! `-m dst`: the IPv6 destination-options header.

use std::fmt;

use super::hbh::{ExtensionOption, write_options};
use crate::Invertible;

/// Tests the destination-options header; false without one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dst {
    /// `--dst-len`: header length in bytes.
    pub length: Option<Invertible<u32>>,
    /// `--dst-opts`: the header's options, in order from the first, at most 16; empty if not given.
    pub options: Vec<ExtensionOption>,
}

impl fmt::Display for Dst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_options(f, "dst", self.length, &self.options)
    }
}
