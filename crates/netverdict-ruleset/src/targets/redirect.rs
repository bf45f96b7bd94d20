//! `-j REDIRECT`: translates a connection's destination to this host.

use std::fmt;

use super::nat::NatPorts;

/// Destination translation to the in-device's address, or to loopback in OUTPUT. nat PREROUTING and OUTPUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Redirect {
    /// `--to-ports`.
    pub ports: Option<NatPorts>,
    /// `--random`.
    pub random: bool,
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ports) = self.ports {
            write!(f, " --to-ports {ports}")?;
        }
        f.write_str(if self.random { " --random" } else { "" })
    }
}
