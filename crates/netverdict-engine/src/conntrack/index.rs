//! Where tuples are found: hashes and what they lead to, in lines of memory, so that a look-up touches one of them and
//! which one is known ahead.

use std::num::NonZeroU32;

use crate::ahead::fetch;

/// So many slots are in one line of memory.
const LINE: usize = 8;

/// Hashes' lower halves and what they lead to. A slot without a number is empty.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
struct Line {
    hashes: [u32; LINE],
    numbers: [u32; LINE],
}

/// How many lines an index begins with.
const FEWEST: usize = 2;

/// Numbers by hash, several under one hash.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A power of two, or none. A number stands behind the start of its hash's line, with no empty slot between.
    lines: Vec<Line>,
    len: usize,
}

impl Index {
    /// How many slots there are.
    const fn slots(&self) -> usize {
        self.lines.len() * LINE
    }

    /// The line in which numbers under a hash are, if it is not too full for them.
    #[inline]
    const fn line(&self, hash: u64) -> usize {
        hash as u32 as usize & self.lines.len().wrapping_sub(1)
    }

    /// The slot behind another.
    #[inline]
    const fn behind(&self, at: usize) -> usize {
        (at + 1) & (self.slots() - 1)
    }

    /// What a slot holds: a hash and a number, if it is not empty.
    #[inline]
    fn slot(&self, at: usize) -> Option<(u32, NonZeroU32)> {
        let line = self.lines.get(at / LINE)?;
        let number = NonZeroU32::new(line.numbers[at % LINE])?;
        Some((line.hashes[at % LINE], number))
    }

    /// The numbers under a hash, and few others.
    #[inline]
    pub(super) fn under(&self, hash: u64) -> impl Iterator<Item = NonZeroU32> {
        let mut at = self.line(hash) * LINE;
        std::iter::from_fn(move || {
            loop {
                let (known, number) = self.slot(at)?;
                at = self.behind(at);
                if known == hash as u32 {
                    return Some(number);
                }
            }
        })
    }

    /// The number under a hash that stands in the hash's own line, if one does: without a branch, for a processor could not
    /// guess where it stands. Of several, it may be none of them.
    #[inline]
    pub(super) fn likely(&self, hash: u64) -> Option<NonZeroU32> {
        let Line { hashes, numbers } = self.lines.get(self.line(hash))?;
        let pairs = hashes.iter().zip(numbers);
        let number = pairs.fold(0, |found, (known, number)| {
            let mask = if *known == hash as u32 { u32::MAX } else { 0 };
            found | number & mask
        });
        NonZeroU32::new(number)
    }

    /// Has the memory fetched that a look-up of a hash will touch.
    #[inline]
    pub(super) fn fetch(&self, hash: u64) {
        if let Some(line) = self.lines.get(self.line(hash)) {
            fetch(line, size_of::<Line>());
        }
    }

    pub(super) fn insert(&mut self, hash: u64, number: NonZeroU32) {
        // At most half are taken: hardly a line is too full.
        if self.len * 2 >= self.slots() {
            self.grow();
        }
        self.len += 1;
        self.put(hash as u32, number);
    }

    fn put(&mut self, hash: u32, number: NonZeroU32) {
        let mut at = self.line(u64::from(hash)) * LINE;
        while self.slot(at).is_some() {
            at = self.behind(at);
        }
        self.set(at, hash, number.get());
    }

    fn set(&mut self, at: usize, hash: u32, number: u32) {
        if let Some(line) = self.lines.get_mut(at / LINE) {
            line.hashes[at % LINE] = hash;
            line.numbers[at % LINE] = number;
        }
    }

    fn grow(&mut self) {
        let size = (self.lines.len() * 2).max(FEWEST);
        let grown = Self {
            lines: vec![Line::default(); size],
            len: self.len,
        };
        let old = std::mem::replace(self, grown);
        for (hash, number) in (0..old.slots()).filter_map(|at| old.slot(at)) {
            self.put(hash, number);
        }
    }

    pub(super) fn remove(&mut self, hash: u64, number: NonZeroU32) {
        let mut at = self.line(hash) * LINE;
        while let Some(slot) = self.slot(at) {
            if slot == (hash as u32, number) {
                self.len -= 1;
                self.close(at);
                return;
            }
            at = self.behind(at);
        }
    }

    /// Empties a slot. What stands behind it moves up, unless it would come before its own line.
    fn close(&mut self, mut hole: usize) {
        let mask = self.slots() - 1;
        let mut at = self.behind(hole);
        while let Some((hash, number)) = self.slot(at) {
            let home = self.line(u64::from(hash)) * LINE;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.set(hole, hash, number.get());
                hole = at;
            }
            at = self.behind(at);
        }
        self.set(hole, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It finds what was put in and not taken out, whatever hashes are alike and lines are full.
        #[test]
        fn it_holds_what_was_put_in(
            lines in 1..24_u64,
            steps in prop::collection::vec((0..24_u64, 1..5_u32, any::<bool>()), 0..200),
        ) {
            // Near the end of the array, and around it; few lines are shared by many.
            let spread = |hash: u64| {
                let line = hash % lines;
                (hash << 16 | line.wrapping_sub(lines / 2) & 0xffff) & 0xffff_ffff
            };
            let mut index = Index::default();
            let mut kept: Vec<(u64, NonZeroU32)> = Vec::new();
            for (hash, number, adds) in steps {
                let hash = spread(hash);
                let number = NonZeroU32::new(number).unwrap();
                let known = kept.iter().position(|pair| *pair == (hash, number));
                match (adds, known) {
                    (true, None) => {
                        index.insert(hash, number);
                        kept.push((hash, number));
                    }
                    (false, Some(at)) => {
                        kept.swap_remove(at);
                        index.remove(hash, number);
                    }
                    (false, None) => index.remove(hash, number),
                    (true, Some(_)) => {}
                }
                for hash in (0..24).map(spread) {
                    let mut found: Vec<NonZeroU32> = index.under(hash).collect();
                    let mut wanted: Vec<NonZeroU32> =
                        kept.iter().filter(|(h, _)| *h == hash).map(|(_, n)| *n).collect();
                    found.sort_unstable();
                    wanted.sort_unstable();
                    prop_assert_eq!(&found, &wanted);
                    let likely = index.likely(hash);
                    match *wanted {
                        [] => prop_assert_eq!(likely, None),
                        // So few are all in their own lines.
                        [one] if kept.len() <= LINE => prop_assert_eq!(likely, Some(one)),
                        [one] => prop_assert!(likely.is_none_or(|likely| likely == one)),
                        _ => {}
                    }
                }
            }
        }
    }
}
