//! `-j CONNSECMARK`: copies security labels between packet and connection.

use std::fmt;

/// Copies a security label and goes on. mangle and security tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connsecmark {
    /// `--save`: from packet to connection.
    Save,
    /// `--restore`: from connection to packet.
    Restore,
}

impl fmt::Display for Connsecmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Save => " --save",
            Self::Restore => " --restore",
        })
    }
}
