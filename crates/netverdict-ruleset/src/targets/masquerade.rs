//! `-j MASQUERADE`: translates a connection's source to the out-device's address.

use std::fmt;

use super::nat::NatPorts;

/// Source translation to the address of the device. nat POSTROUTING.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Masquerade {
    /// `--to-ports`.
    pub ports: Option<NatPorts>,
    /// `--random`.
    pub random: bool,
    /// `--random-fully`.
    pub random_fully: bool,
}

impl fmt::Display for Masquerade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ports) = self.ports {
            write!(f, " --to-ports {ports}")?;
        }
        f.write_str(if self.random { " --random" } else { "" })?;
        f.write_str(if self.random_fully {
            " --random-fully"
        } else {
            ""
        })
    }
}
