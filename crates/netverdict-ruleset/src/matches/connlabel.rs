//! `-m connlabel`: a connection's label bits.

use std::fmt;

use crate::value::bang;

/// Tests, and with `set` first sets, a label bit of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connlabel {
    /// Whether `!` was given.
    pub inverted: bool,
    /// `--label`: bit 0..=127. Names of connlabel.conf are not known here.
    pub bit: u16,
    /// `--set`.
    pub set: bool,
}

impl fmt::Display for Connlabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --label \"{}\"", bang(self.inverted), self.bit)?;
        f.write_str(if self.set { " --set" } else { "" })
    }
}
