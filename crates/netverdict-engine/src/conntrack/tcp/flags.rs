//! TCP flags: which combinations are packets at all, which class each is of, and what tracking notes of a side.

use std::ops::{BitAnd, BitOr};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// What kind of segment it is for the state table, the first that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Syn,
    SynAck,
    Fin,
    Ack,
    Rst,
    /// No flag that counts; also the memory of a connection before its first packet.
    None,
}

impl Class {
    /// The class of a flag byte (`get_conntrack_index`).
    #[inline]
    pub(super) const fn of(flags: u8) -> Self {
        BY_FLAGS[(flags & (FIN | SYN | RST | ACK)) as usize]
    }

    const fn look(flags: u8) -> Self {
        if flags & RST != 0 {
            Self::Rst
        } else if flags & SYN != 0 {
            if flags & ACK != 0 {
                Self::SynAck
            } else {
                Self::Syn
            }
        } else if flags & FIN != 0 {
            Self::Fin
        } else if flags & ACK != 0 {
            Self::Ack
        } else {
            Self::None
        }
    }
}

/// The class of each combination of the flags that count.
const BY_FLAGS: [Class; 32] = {
    let mut classes = [Class::None; 32];
    let mut flags = 0;
    while flags < 32 {
        classes[flags] = Class::look(flags as u8);
        flags += 1;
    }
    classes
};

/// Whether these flags go together; PSH, ECE and CWR go with all (`tcp_valid_flags`).
pub(super) const fn are_valid(flags: u8) -> bool {
    const SYN_URG: u8 = SYN | URG;
    const SYN_ACK: u8 = SYN | ACK;
    const RST_ACK: u8 = RST | ACK;
    const FIN_ACK: u8 = FIN | ACK;
    const FIN_ACK_URG: u8 = FIN | ACK | URG;
    const ACK_URG: u8 = ACK | URG;
    matches!(
        flags & (FIN | SYN | RST | ACK | URG),
        SYN | SYN_URG | SYN_ACK | RST | RST_ACK | FIN_ACK | FIN_ACK_URG | ACK | ACK_URG
    )
}

/// Notes on a side, and on an ignored SYN (`IP_CT_TCP_FLAG_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SideFlags(u8);

impl SideFlags {
    pub(crate) const WINDOW_SCALE: Self = Self(0x01);
    pub(crate) const SACK_PERMITTED: Self = Self(0x02);
    /// It was the first to close.
    pub(crate) const CLOSE_INIT: Self = Self(0x04);
    /// Window violations are let through.
    pub(crate) const LIBERAL: Self = Self(0x08);
    /// It sent data that was not acknowledged yet.
    pub(crate) const UNACKNOWLEDGED: Self = Self(0x10);
    pub(crate) const MAX_ACK_SET: Self = Self(0x20);
    /// A SYN in LAST_ACK may be answered by a challenge ACK.
    pub(crate) const CHALLENGE_ACK: Self = Self(0x40);
    pub(crate) const SIMULTANEOUS_OPEN: Self = Self(0x80);

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(crate) const fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

impl BitOr for SideFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for SideFlags {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
