//! Paths that packets of known connections take again, remembered so that no rule need be asked twice.
//!
//! A packet of a confirmed connection meets the rules that an earlier one met, with the same answers, if nothing differs
//! that those rules, routing and NAT consulted. What they can consult of such a packet is fixed by its connection and
//! direction, but for a few things, the [`Terms`]. A walk that asks for anything else (a rate, a list, a length, the
//! payload, the time) is not remembered, and neither is one that changes what later packets meet.
//!
//! Connection tracking is no part of a path: it judges every packet, and only then it shows whether the terms hold. An
//! entry keeps two numbers of paths, one a direction.
//!
//! Connections share paths. Addresses and ports fall into [`Classes`] that no rule and nothing of routing tells apart; what
//! a packet of one connection met, another's meets whose ends are of the same classes ([`Likeness`]) and that meets the
//! terms. That holds of packets that open a connection, too, where nothing but its own tuple is to be decided: no helper,
//! nobody who expects it, no translation, no other connection with one of its tuples.

mod alike;
mod classes;
mod footprint;
mod recorder;
mod shortcut;
mod terms;

use std::hash::BuildHasher;
use std::num::NonZeroU32;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use netverdict_net::{Device, InterfaceName};
use netverdict_ruleset::Hook;

use crate::conntrack::{Status, Tuple};
use crate::state::CounterStore;
use crate::walk::End;
use crate::{CtState, FlowId, Outcome};

pub(crate) use alike::{Likeness, Shared};
pub(crate) use classes::Classes;
pub(crate) use footprint::Footprint;
pub(crate) use recorder::Recorder;
pub(crate) use shortcut::{Arrived, Shortcut};
pub(crate) use terms::{Arriving, Plain, Terms};

/// The number of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId(NonZeroU32);

impl PathId {
    /// Its place among all paths, counted from 0.
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// The number of its flow that an entry of the connection table remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memo {
    /// The flow's number, certain while the numbering is at this epoch; 0 is none.
    pub(crate) flow: u64,
    pub(crate) epoch: u32,
}

impl Memo {
    /// Nothing remembered.
    pub(crate) const NONE: Self = Self { flow: 0, epoch: 0 };

    /// The flow that its packets were last.
    pub(crate) fn flow(&self) -> Option<FlowId> {
        (self.flow != 0).then_some(FlowId(self.flow))
    }

    /// Remembers the number that its flow has at an epoch.
    pub(crate) const fn number(&mut self, flow: FlowId, epoch: u32) {
        self.flow = flow.0;
        self.epoch = epoch;
    }
}

/// What a walk led to, for all packets that meet its terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Path {
    pub(crate) terms: Terms,
    /// Places of the counters that count.
    pub(crate) counters: Box<[u32]>,
    pub(crate) end: End,
    pub(crate) hook: Option<Hook>,
    pub(crate) state: Option<CtState>,
    pub(crate) in_device: Device,
    pub(crate) out_device: Device,
    pub(crate) mark: u32,
    /// Whether source and destination leave as the connection's mapping has them.
    pub(crate) mapped: [bool; 2],
    /// Whether a rule changes header fields, which only a walk does.
    pub(crate) rewrites: bool,
    /// What became of the connection, where the packet opened one.
    pub(crate) opening: Option<Opening>,
}

/// What becomes of a connection on the path of the packet that opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Opening {
    /// The sides on which NAT left it alone.
    pub(crate) bound: Status,
    /// Whether it enters the table; else it is gone with its packet.
    pub(crate) enters: bool,
    /// What its source becomes.
    pub(crate) source: Option<NewSource>,
}

/// A source address that a rule gives, the port kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct NewSource {
    pub(crate) address: u128,
    /// The device that MASQUERADE took it from.
    pub(crate) masquerade: Option<InterfaceName>,
}

impl Opening {
    /// The status bits that NAT leaves.
    pub(crate) fn status(&self) -> Status {
        match self.source {
            Some(_) => self.bound | Status::SRC_NAT | Status::SRC_NAT_DONE,
            None => self.bound,
        }
    }
}

impl NewSource {
    /// The tuple of the answers to a connection that is given it.
    pub(crate) fn answer(&self, original: &Tuple) -> Option<Tuple> {
        let translated = Tuple {
            source: self.address,
            ..*original
        };
        translated.invert()
    }
}

impl Path {
    /// Whether a packet that tracking has not seen yet may take it.
    #[inline]
    pub(crate) fn admits(&self, arriving: &Arriving<'_>, keeps_egress: bool) -> bool {
        self.terms.admit(arriving) && !(self.rewrites && keeps_egress)
    }

    /// Counts a packet that takes it.
    #[inline]
    pub(crate) fn count(&self, counters: &mut CounterStore, len: usize) {
        for place in &self.counters {
            counters.add(*place as usize, len);
        }
    }

    /// What is said of a packet that took it, but for its own header, length and flow.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome {
            verdict: self.end.verdict,
            fate: self.end.fate,
            decided_by: self.end.by,
            hook: self.hook,
            state: self.state,
            flow: None,
            nat: None,
            in_device: self.in_device,
            out_device: self.out_device,
            unknowns: Vec::new(),
            mark: self.mark,
            emitted: Vec::new(),
            len: 0,
            egress: None,
        }
    }
}

/// All paths, each once.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    paths: Vec<Path>,
    numbers: HashTable<u32>,
}

/// A ruleset has far fewer paths; what defeats remembering is not to fill the memory.
const CAPACITY: usize = 1 << 16;

fn hash(path: &Path) -> u64 {
    FixedState::with_seed(0).hash_one(path)
}

impl Paths {
    /// The path of a number.
    pub(crate) fn get(&self, id: PathId) -> Option<&Path> {
        self.paths.get(id.0.get() as usize - 1)
    }

    /// The number of a path, kept if it is new; `None` when there are too many.
    pub(crate) fn number(&mut self, path: Path) -> Option<PathId> {
        let Self { paths, numbers } = self;
        let hashed = hash(&path);
        let known = numbers.find(hashed, |n| paths.get(*n as usize - 1) == Some(&path));
        if let Some(number) = known {
            return NonZeroU32::new(*number).map(PathId);
        }
        if paths.len() == CAPACITY {
            return None;
        }
        paths.push(path);
        let number = paths.len() as u32;
        numbers.insert_unique(hashed, number, |n| {
            paths.get(*n as usize - 1).map_or(0, hash)
        });
        NonZeroU32::new(number).map(PathId)
    }
}

#[cfg(test)]
mod tests;
