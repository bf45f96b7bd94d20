//! A connection's status bits (`enum ip_conntrack_status`), with the kernel's values.

use std::ops::{BitAnd, BitOr};

/// A set of status bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Status(pub u32);

impl Status {
    /// An expectation was waiting for it.
    pub const EXPECTED: Self = Self(0x1);
    /// A packet flowed back.
    pub const SEEN_REPLY: Self = Self(0x2);
    /// It will not be given up early.
    pub const ASSURED: Self = Self(0x4);
    /// It is in the table: its first packet made it through.
    pub const CONFIRMED: Self = Self(0x8);
    /// Its source is translated.
    pub const SRC_NAT: Self = Self(0x10);
    /// Its destination is translated.
    pub const DST_NAT: Self = Self(0x20);
    /// Both translations.
    pub const NAT: Self = Self(0x30);
    /// Sequence numbers are shifted by a helper.
    pub const SEQ_ADJUST: Self = Self(0x40);
    /// Its source translation was decided.
    pub const SRC_NAT_DONE: Self = Self(0x80);
    /// Its destination translation was decided.
    pub const DST_NAT_DONE: Self = Self(0x100);
    /// Both translations were decided.
    pub const NAT_DONE: Self = Self(0x180);
    /// It left the table.
    pub const DYING: Self = Self(0x200);
    /// Packets do not lengthen its life.
    pub const FIXED_TIMEOUT: Self = Self(0x400);
    /// It lost a clash and is found by answers only.
    pub const NAT_CLASH: Self = Self(0x1000);
    /// A rule gave it its helper.
    pub const HELPER: Self = Self(0x2000);

    /// Whether all of `other`'s bits are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other`'s bits is set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Sets bits.
    pub const fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Clears bits.
    pub const fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    /// The set with source and destination translation exchanged.
    pub(crate) const fn other_nat(self) -> Self {
        Self(self.0 ^ Self::NAT.0)
    }
}

impl BitOr for Status {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Status {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
