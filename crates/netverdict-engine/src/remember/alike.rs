//! Paths that connections share: what one connection's packet met, another's meets too, if no rule, and nothing of routing
//! or NAT, tells the two apart.

use std::hash::{Hash, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_net::{InterfaceName, Protocol};
use smallvec::SmallVec;

use super::PathId;
use super::classes::{Classes, Ends};
use crate::conntrack::{Direction, Entry, Status, Tuple};

/// What a path was taken by, as far as [`Terms`](super::Terms) do not tell: two packets with the same terms and the same
/// likeness take the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Likeness {
    protocol: Protocol,
    /// As it came.
    ends: Ends,
    /// As its connection is translated, if it is: the ends of the answers turned round.
    beyond: Option<(Ends, Option<InterfaceName>)>,
}

impl Hash for Likeness {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [source, destination, from, to] = self.ends.map(u64::from);
        state.write_u64(source << 32 | destination);
        state.write_u64(from << 32 | to ^ u64::from(self.protocol.0) << 56);
        if let Some(beyond) = &self.beyond {
            beyond.hash(state);
        }
    }
}

impl Likeness {
    /// Of a packet that opens a connection.
    pub(crate) fn of(tuple: &Tuple, classes: &Classes) -> Self {
        Self {
            protocol: tuple.protocol,
            ends: classes.ends(tuple),
            beyond: None,
        }
    }

    /// Of packets of a connection's direction; `None` if there is something special about the connection.
    pub(crate) fn within(entry: &Entry, direction: Direction, classes: &Classes) -> Option<Self> {
        if !entry.is_ordinary() {
            return None;
        }
        let plain = Self::of(entry.tuple(direction), classes);
        if !entry.status.intersects(Status::NAT) {
            return Some(plain);
        }
        let beyond = entry.tuple(direction.other()).invert()?;
        let beyond = (classes.ends(&beyond), entry.masquerade());
        Some(Self {
            beyond: Some(beyond),
            ..plain
        })
    }
}

/// Paths by what they were taken by.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Of packets of known connections.
    within: Files,
    /// Of packets that open one.
    opening: Files,
}

type Files = HashMap<Likeness, SmallVec<[PathId; 4]>, FixedState>;

/// Rules that tell all connections apart are not to fill the memory.
const CAPACITY: usize = 1 << 16;
/// Beside each other under one likeness.
const MOST: usize = 32;

impl Shared {
    /// The paths of packets of known connections.
    pub(crate) fn within(&self, likeness: &Likeness) -> &[PathId] {
        self.within.get(likeness).map_or(&[], SmallVec::as_slice)
    }

    /// The paths of packets that open a connection.
    pub(crate) fn opening(&self, likeness: &Likeness) -> &[PathId] {
        self.opening.get(likeness).map_or(&[], SmallVec::as_slice)
    }

    /// Keeps a path that a packet took.
    pub(crate) fn keep(&mut self, likeness: Likeness, number: PathId, opens: bool) {
        let files = if opens {
            &mut self.opening
        } else {
            &mut self.within
        };
        if files.len() >= CAPACITY && !files.contains_key(&likeness) {
            return;
        }
        let numbers = files.entry(likeness).or_default();
        if numbers.len() < MOST && !numbers.contains(&number) {
            numbers.push(number);
        }
    }
}
