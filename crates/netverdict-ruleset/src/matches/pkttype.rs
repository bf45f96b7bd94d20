//! `-m pkttype`: whom the link layer addressed.

use std::fmt;

use crate::Invertible;

/// Tests the packet's link-layer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pkttype {
    /// `--pkt-type`.
    pub kind: Invertible<PacketKind>,
}

/// The types that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// To this host alone.
    Unicast,
    /// To everyone.
    Broadcast,
    /// To a group.
    Multicast,
    /// To someone else: no such packet reaches a rule.
    OtherHost,
}

impl fmt::Display for PacketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unicast => "unicast",
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
            Self::OtherHost => "otherhost",
        })
    }
}

impl fmt::Display for Pkttype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --pkt-type {}", self.kind.bang(), self.kind.value)
    }
}
