//! State that one rule's match keeps for itself: buckets, counters, and the numbers of shared tables.

use super::Rewind;
use super::journal::Journal;
use super::limit::{Bucket, NftBucket};

/// What one match of one rule remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Slot {
    /// Nothing.
    #[default]
    Empty,
    /// `limit` under ip_tables.
    Limit(Bucket),
    /// `limit` under nf_tables.
    NftLimit(NftBucket),
    /// `quota`: bytes left.
    Quota(u64),
    /// `statistic --mode nth`: the count, and the one after which it starts over.
    Nth { last: u32, count: u32 },
    /// The number of a table, list or tree in its own store.
    Shared(usize),
    /// Two of them.
    Pair(usize, usize),
    /// Three that may each be missing: the sets of `-j SET`.
    Sets([Option<u32>; 3]),
}

/// The slots of all rules. Slot 0 is empty and serves every match that keeps nothing.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    journal: Journal<(usize, Slot)>,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            slots: vec![Slot::Empty],
            journal: Journal::default(),
        }
    }
}

impl Slots {
    /// Gives a match its own slot.
    pub(crate) fn add(&mut self, slot: Slot) -> usize {
        if slot == Slot::Empty {
            return 0;
        }
        self.slots.push(slot);
        self.slots.len() - 1
    }

    /// What a slot holds.
    pub(crate) fn get(&self, slot: usize) -> Slot {
        self.slots.get(slot).copied().unwrap_or_default()
    }

    /// Changes a slot.
    pub(crate) fn set(&mut self, at: usize, value: Slot) {
        if let Some(slot) = self.slots.get_mut(at).filter(|slot| **slot != value) {
            let old = std::mem::replace(slot, value);
            self.journal.note(|| (at, old));
        }
    }

    /// The number of the shared table that a slot names.
    pub(crate) fn shared(&self, slot: usize) -> Option<usize> {
        match self.get(slot) {
            Slot::Shared(number) => Some(number),
            _ => None,
        }
    }

    /// The two numbers that a slot holds.
    pub(crate) fn pair(&self, slot: usize) -> Option<(usize, usize)> {
        match self.get(slot) {
            Slot::Pair(first, second) => Some((first, second)),
            _ => None,
        }
    }
}

impl Rewind for Slots {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (at, old) in self.journal.take().into_iter().rev() {
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = old;
            }
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rollback_goes_back_through_every_change() {
        let mut slots = Slots::default();
        let at = slots.add(Slot::Quota(9));
        assert_eq!(slots.add(Slot::Empty), 0);
        slots.set(at, Slot::Quota(8));
        slots.checkpoint();
        slots.set(at, Slot::Quota(7));
        slots.set(at, Slot::Quota(6));
        slots.rollback();
        assert_eq!(slots.get(at), Slot::Quota(8));
        slots.set(at, Slot::Quota(5));
        slots.rollback();
        assert_eq!(slots.get(at), Slot::Quota(5));
    }
}
