//! Packet and byte counters of all rules and policies.

use netverdict_ruleset::Counters;

use super::Rewind;
use super::journal::Journal;

/// One counter for each rule and chain end of the loaded rulesets; `compile` hands out the places.
#[derive(Debug, Default)]
pub(crate) struct CounterStore {
    counters: Vec<Counters>,
    journal: Journal<(usize, u64)>,
}

impl CounterStore {
    /// Makes `count` more counters at 0 and gives the first one's place.
    pub(crate) fn reserve(&mut self, count: usize) -> usize {
        let first = self.counters.len();
        self.counters.resize(first + count, Counters::default());
        first
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.counters.len()
    }

    /// Counts one packet.
    #[inline]
    pub(crate) fn add(&mut self, at: usize, bytes: usize) {
        if let Some(counter) = self.counters.get_mut(at) {
            counter.packets += 1;
            counter.bytes += bytes as u64;
            self.journal.note(|| (at, bytes as u64));
        }
    }

    /// What a counter says.
    pub(crate) fn get(&self, at: usize) -> Counters {
        self.counters.get(at).copied().unwrap_or_default()
    }
}

impl Rewind for CounterStore {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (at, bytes) in self.journal.take() {
            if let Some(counter) = self.counters.get_mut(at) {
                counter.packets -= 1;
                counter.bytes -= bytes;
            }
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}
