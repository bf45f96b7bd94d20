//! What is said of frames again and again, kept once: predictions are many and are to stay small.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::record::Saying;

/// The number of a saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SayingId(u32);

/// All sayings of the predictions at hand.
#[derive(Debug, Default)]
pub(super) struct Sayings {
    all: Vec<Saying>,
    numbers: HashTable<u32>,
    /// The last two, for the two directions of traffic.
    recent: [u32; 2],
}

fn hash(saying: &Saying) -> u64 {
    FixedState::with_seed(0).hash_one(saying)
}

impl Sayings {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The saying of a number.
    pub(super) fn get(&self, SayingId(number): SayingId) -> &Saying {
        self.all
            .get(number as usize)
            .expect("numbers are those of kept sayings")
    }

    /// The number of a saying, kept if it is new.
    pub(super) fn number(&mut self, saying: &Saying) -> SayingId {
        let [last, before] = self.recent;
        let is = |number: u32| self.all.get(number as usize) == Some(saying);
        if is(last) {
            return SayingId(last);
        }
        let number = if is(before) {
            before
        } else {
            self.find(saying)
        };
        self.recent = [number, last];
        SayingId(number)
    }

    fn find(&mut self, saying: &Saying) -> u32 {
        let Self { all, numbers, .. } = self;
        let hashed = hash(saying);
        let known = numbers.find(hashed, |n| all.get(*n as usize) == Some(saying));
        if let Some(number) = known {
            return *number;
        }
        let number = all.len() as u32;
        all.push(*saying);
        numbers.insert_unique(hashed, number, |n| all.get(*n as usize).map_or(0, hash));
        number
    }
}
