//! `-m hbh`: the IPv6 hop-by-hop header.

use std::fmt;

use crate::Invertible;
use crate::value::join;

/// Tests the hop-by-hop header; false without one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hbh {
    /// `--hbh-len`: header length in bytes.
    pub length: Option<Invertible<u32>>,
    /// `--hbh-opts`: the header's options, in order from the first, at most 16; empty if not given.
    pub options: Vec<ExtensionOption>,
}

/// An option of a hop-by-hop or destination header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExtensionOption {
    /// Its type.
    pub kind: u8,
    /// Its length; any if `None`.
    pub length: Option<u8>,
}

impl fmt::Display for ExtensionOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        match self.length {
            Some(length) => write!(f, ":{length}"),
            None => Ok(()),
        }
    }
}

pub(crate) fn write_options(
    f: &mut fmt::Formatter<'_>,
    prefix: &str,
    length: Option<Invertible<u32>>,
    options: &[ExtensionOption],
) -> fmt::Result {
    if let Some(length) = length {
        write!(f, "{} --{prefix}-len {}", length.bang(), length.value)?;
    }
    if options.is_empty() {
        return Ok(());
    }
    write!(f, " --{prefix}-opts ")?;
    join(f, options, ",")
}

impl fmt::Display for Hbh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_options(f, "hbh", self.length, &self.options)
    }
}
