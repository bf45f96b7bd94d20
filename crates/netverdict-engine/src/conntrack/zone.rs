//! Zones: separate spaces of tuples, per direction.

use super::Direction;

/// Which directions of a connection a zone applies to; the other is in zone 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ZoneDirection {
    /// Both.
    #[default]
    Both,
    /// `--zone-orig`.
    Original,
    /// `--zone-reply`.
    Reply,
}

/// A zone of a connection (`struct nf_conntrack_zone`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Zone {
    /// Its number.
    pub id: u16,
    /// Where it applies.
    pub direction: ZoneDirection,
}

impl Zone {
    /// The number in one direction.
    pub const fn at(self, direction: Direction) -> u16 {
        match (self.direction, direction) {
            (ZoneDirection::Both, _)
            | (ZoneDirection::Original, Direction::Original)
            | (ZoneDirection::Reply, Direction::Reply) => self.id,
            _ => 0,
        }
    }
}
