//! `-m dccp`: ports, packet types and options of a DCCP header.

use std::fmt;

use netverdict_net::PortRange;

use crate::Invertible;
use crate::value::join;

/// Tests a DCCP header. Needs `-p dccp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dccp {
    /// `--sport`.
    pub source: Option<Invertible<PortRange>>,
    /// `--dport`.
    pub destination: Option<Invertible<PortRange>>,
    /// `--dccp-types`.
    pub types: Option<Invertible<DccpTypes>>,
    /// `--dccp-option`: an option of this kind (1..=255) is present.
    pub option: Option<Invertible<u8>>,
}

/// A set of packet types, one bit each; bit 10 stands for the invalid types 10..=15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DccpTypes(pub u16);

impl DccpTypes {
    /// Names by bit number.
    pub const NAMES: [&'static str; 11] = [
        "REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC",
        "SYNCACK", "INVALID",
    ];

    /// Whether the type field (0..=15) is in the set.
    pub const fn contains(self, kind: u8) -> bool {
        let bit = if kind < 10 { kind } else { 10 };
        self.0 & (1 << bit) != 0
    }
}

impl fmt::Display for DccpTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().enumerate();
        join(
            f,
            names
                .filter(|(bit, _)| self.0 & (1 << bit) != 0)
                .map(|(_, name)| name),
            ",",
        )
    }
}

impl fmt::Display for Dccp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::write_given_ports(f, self.source.as_ref(), self.destination.as_ref())?;
        if let Some(types) = self.types {
            write!(f, "{} --dccp-types {}", types.bang(), types.value)?;
        }
        if let Some(option) = self.option {
            write!(f, "{} --dccp-option {}", option.bang(), option.value)?;
        }
        Ok(())
    }
}
