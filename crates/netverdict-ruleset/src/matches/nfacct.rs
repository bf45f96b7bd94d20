//! `-m nfacct`: a named accounting object.

use std::fmt;

use crate::Quoted;

/// Counts the packet in a named object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nfacct {
    /// `--nfacct-name`, at most 31 bytes.
    pub name: String,
}

impl fmt::Display for Nfacct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --nfacct-name {}", Quoted(&self.name))
    }
}
