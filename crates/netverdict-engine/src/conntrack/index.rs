//! Where tuples are found: hashes and what they lead to, in one flat array, so that a look-up touches one line of memory
//! and which one is known ahead.

use crate::ahead::fetch;

/// A hash's lower half and what it leads to.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u32,
    /// [`EMPTY`], or what was put there.
    value: u32,
}

/// No slot ever leads here: links are numbers of entries, of which there are less than 2^31.
const EMPTY: u32 = u32::MAX;
const FEWEST: usize = 16;

/// Numbers by hash, several under one hash.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A power of two, or none. A number stands behind its hash's place, with no empty slot between.
    slots: Vec<Slot>,
    len: usize,
}

impl Index {
    /// The numbers under a hash, and few others.
    #[inline]
    pub(super) fn under(&self, hash: u64) -> impl Iterator<Item = u32> {
        let hash = hash as u32;
        let mut at = hash as usize;
        let mask = self.slots.len().wrapping_sub(1);
        std::iter::from_fn(move || {
            loop {
                let slot = self.slots.get(at & mask)?;
                at = (at & mask) + 1;
                if slot.value == EMPTY {
                    return None;
                }
                if slot.hash == hash {
                    return Some(slot.value);
                }
            }
        })
    }

    /// A number under a hash that stands near the hash's place, if one does. How near is no branch: a processor could not
    /// guess it.
    #[inline]
    pub(super) fn near(&self, hash: u64) -> Option<u32> {
        const NEAR: usize = 4;
        let hash = hash as u32;
        let at = hash as usize & self.slots.len().wrapping_sub(1);
        let slots: &[Slot; NEAR] = self.slots.get(at..)?.first_chunk()?;
        // Behind an empty slot there is none of this hash.
        let value = slots.iter().rev().fold(EMPTY, |found, slot| {
            if slot.hash == hash { slot.value } else { found }
        });
        (value != EMPTY).then_some(value)
    }

    /// Has the memory fetched that a look-up of a hash will touch.
    #[inline]
    pub(super) fn fetch(&self, hash: u64) {
        let mask = self.slots.len().wrapping_sub(1);
        if let Some(slot) = self.slots.get(hash as u32 as usize & mask) {
            fetch(slot, size_of::<Slot>());
        }
    }

    pub(super) fn insert(&mut self, hash: u64, value: u32) {
        // At most three quarters are taken.
        if self.len * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        self.len += 1;
        self.put(Slot {
            hash: hash as u32,
            value,
        });
    }

    fn put(&mut self, new: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = new.hash as usize & mask;
        while self.slots[at].value != EMPTY {
            at = (at + 1) & mask;
        }
        self.slots[at] = new;
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(FEWEST);
        let empty = Slot {
            hash: 0,
            value: EMPTY,
        };
        let old = std::mem::replace(&mut self.slots, vec![empty; size]);
        for slot in old {
            if slot.value != EMPTY {
                self.put(slot);
            }
        }
    }

    pub(super) fn remove(&mut self, hash: u64, value: u32) {
        let hash = hash as u32;
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        loop {
            match self.slots.get(at) {
                Some(slot) if slot.value == value && slot.hash == hash => break,
                Some(slot) if slot.value != EMPTY => at = (at + 1) & mask,
                _ => return,
            }
        }
        self.len -= 1;
        self.close(at);
    }

    /// Empties a slot. What stands behind it moves up, unless it would come before its own place.
    fn close(&mut self, mut hole: usize) {
        let mask = self.slots.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let slot = self.slots[at];
            if slot.value == EMPTY {
                break;
            }
            let home = slot.hash as usize & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole].value = EMPTY;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It finds what was put in and not taken out, whatever hashes are alike.
        #[test]
        fn it_holds_what_was_put_in(steps in prop::collection::vec((0..24_u64, 0..4_u32, any::<bool>()), 0..200)) {
            let mut index = Index::default();
            let mut kept: Vec<(u64, u32)> = Vec::new();
            for (hash, value, adds) in steps {
                // Near the end of the array, and around it.
                let hash = hash.wrapping_sub(12) & 0xffff_ffff;
                let known = kept.iter().position(|pair| *pair == (hash, value));
                match (adds, known) {
                    (true, None) => {
                        index.insert(hash, value);
                        kept.push((hash, value));
                    }
                    (false, Some(at)) => {
                        kept.swap_remove(at);
                        index.remove(hash, value);
                    }
                    (false, None) => index.remove(hash, value),
                    (true, Some(_)) => {}
                }
                for hash in (0..24_u64).map(|h| h.wrapping_sub(12) & 0xffff_ffff) {
                    let mut found: Vec<u32> = index.under(hash).collect();
                    let mut wanted: Vec<u32> =
                        kept.iter().filter(|(h, _)| *h == hash).map(|(_, v)| *v).collect();
                    found.sort_unstable();
                    wanted.sort_unstable();
                    prop_assert_eq!(&found, &wanted);
                    prop_assert!(index.near(hash).is_none_or(|near| wanted.contains(&near)));
                }
            }
        }
    }
}
