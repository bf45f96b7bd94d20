//! `-j SYNPROXY`: answers TCP handshakes for a server.

use std::fmt;

/// Takes the client's handshake and opens the server's only when it is complete. Needs `-p tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Synproxy {
    /// `--sack-perm`.
    pub sack_permitted: bool,
    /// `--timestamp`.
    pub timestamp: bool,
    /// `--wscale`, 0..=14.
    pub window_scale: Option<u8>,
    /// `--mss`.
    pub mss: Option<u16>,
    /// `--ecn`.
    pub ecn: bool,
}

impl fmt::Display for Synproxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.sack_permitted {
            " --sack-perm"
        } else {
            ""
        })?;
        f.write_str(if self.timestamp { " --timestamp" } else { "" })?;
        if let Some(scale) = self.window_scale {
            write!(f, " --wscale {scale}")?;
        }
        if let Some(mss) = self.mss {
            write!(f, " --mss {mss}")?;
        }
        f.write_str(if self.ecn { " --ecn" } else { "" })
    }
}
