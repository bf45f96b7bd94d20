//! The address lists of `-m recent` (net/netfilter/xt_recent.c): shared by name, by both families and all rules.

use std::net::IpAddr;

use netverdict_net::{Family, Jiffies};

use super::Rewind;
use super::journal::Journal;

/// Addresses a list remembers (module parameter `ip_list_tot`).
const ENTRIES: usize = 100;

/// One remembered address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) address: IpAddr,
    pub(crate) ttl: u8,
    /// Where the next stamp goes, once wrapped.
    index: usize,
    pub(crate) stamps: Vec<i64>,
    /// Order of creation: look-ups take the eldest.
    born: u64,
}

impl Entry {
    fn latest(&self) -> i64 {
        let last = self.index.checked_sub(1);
        last.and_then(|i| self.stamps.get(i)).copied().unwrap_or(0)
    }
}

/// One list. The entry used longest ago comes first.
#[derive(Debug, Clone)]
struct List {
    name: String,
    mask: IpAddr,
    ring: usize,
    born: u64,
    entries: Vec<Entry>,
}

/// Every list of the namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentLists {
    lists: Vec<List>,
    journal: Journal<(usize, List)>,
}

/// What a rule looks for in a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    pub(crate) address: IpAddr,
    pub(crate) ttl: u8,
    /// Whether the stored TTL must be equal (`--rttl`).
    pub(crate) match_ttl: bool,
    pub(crate) now: Jiffies,
}

/// Which stamps count (`--seconds` in ticks, `--hitcount`), and whether the list is swept (`--reap`).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    /// 0: all of them.
    pub(crate) jiffies: i64,
    /// 0: one suffices.
    pub(crate) hits: u32,
    pub(crate) reap: bool,
}

impl RecentLists {
    /// Makes a rule's list known and returns its number. The first rule fixes the mask; the largest hit count fixes how
    /// many stamps an address keeps, and a larger one empties the list (`recent_mt_check`).
    pub(crate) fn register(&mut self, name: &str, mask: IpAddr, hits: u32) -> usize {
        let ring = match hits {
            0 => 32,
            n => (n as usize).next_power_of_two(),
        };
        if let Some(at) = self.lists.iter().position(|list| list.name == name) {
            if let Some(list) = self.lists.get_mut(at).filter(|list| list.ring < ring) {
                list.ring = ring;
                list.entries.clear();
            }
            return at;
        }
        self.lists.push(List {
            name: name.to_owned(),
            mask,
            ring,
            born: 0,
            entries: Vec::new(),
        });
        self.lists.len() - 1
    }

    /// `--set`: remembers the address or stamps it anew.
    pub(crate) fn set(&mut self, list: usize, probe: Probe) {
        let Some(list) = self.change(list) else {
            return;
        };
        match list.find(probe) {
            Some(at) => list.stamp(at, probe),
            None => list.insert(probe),
        }
    }

    /// `--remove`: whether the address was there; it no longer is.
    pub(crate) fn remove(&mut self, list: usize, probe: Probe) -> bool {
        let Some(list) = self.change(list) else {
            return false;
        };
        let found = list.find(probe);
        if let Some(at) = found {
            list.entries.remove(at);
        }
        found.is_some()
    }

    /// `--rcheck` and `--update`: the answer under `inverted`. An update stamps an address that is there if the
    /// answer, inverted or not, is true.
    pub(crate) fn check(
        &mut self,
        list: usize,
        probe: Probe,
        window: Window,
        update: bool,
        inverted: bool,
    ) -> bool {
        let answer = match self.lists.get(list) {
            None => return inverted,
            Some(list) => match list.find(probe) {
                None => return inverted,
                Some(at) => list.hit(at, probe.now, window) != inverted,
            },
        };
        let stamps = update && answer;
        if (stamps || window.reap)
            && let Some(list) = self.change(list)
            && let Some(at) = list.find(probe)
        {
            list.finish_check(at, probe, window, stamps);
        }
        answer
    }

    /// A list about to change: the first change after a checkpoint keeps a copy.
    fn change(&mut self, at: usize) -> Option<&mut List> {
        let list = self.lists.get_mut(at)?;
        let kept = self.journal.records().iter().any(|(kept, _)| *kept == at);
        if !kept {
            self.journal.note(|| (at, list.clone()));
        }
        Some(list)
    }
}

impl List {
    fn masked(&self, address: IpAddr) -> IpAddr {
        // The mask is one of 128 bits in the kernel, of which IPv4 uses the first word.
        match (address, self.mask) {
            (IpAddr::V4(a), IpAddr::V4(mask)) => (a & mask).into(),
            (IpAddr::V6(a), IpAddr::V6(mask)) => (a & mask).into(),
            (IpAddr::V4(a), IpAddr::V6(mask)) => {
                let word = (mask.to_bits() >> 96) as u32;
                std::net::Ipv4Addr::from_bits(a.to_bits() & word).into()
            }
            // A rule of iptables that gives no mask sets all 128 bits.
            (IpAddr::V6(a), IpAddr::V4(mask)) if mask.is_broadcast() => a.into(),
            (IpAddr::V6(a), IpAddr::V4(mask)) => {
                let word = u128::from(mask.to_bits()) << 96;
                std::net::Ipv6Addr::from_bits(a.to_bits() & word).into()
            }
        }
    }

    /// `recent_entry_lookup`: a TTL of 0 on either side is a wildcard.
    fn find(&self, probe: Probe) -> Option<usize> {
        let address = self.masked(probe.address);
        let family = Family::of(address);
        let found = self.entries.iter().enumerate().filter(|(_, e)| {
            Family::of(e.address) == family
                && e.address == address
                && (!probe.match_ttl || probe.ttl == e.ttl || probe.ttl == 0 || e.ttl == 0)
        });
        found.min_by_key(|(_, e)| e.born).map(|(at, _)| at)
    }

    fn insert(&mut self, probe: Probe) {
        if self.entries.len() >= ENTRIES {
            self.entries.remove(0);
        }
        self.born += 1;
        self.entries.push(Entry {
            address: self.masked(probe.address),
            ttl: probe.ttl,
            index: 1,
            stamps: vec![probe.now.0],
            born: self.born,
        });
    }

    /// `recent_entry_update`, and the move to the end of the line.
    fn stamp(&mut self, at: usize, probe: Probe) {
        let mut entry = self.entries.remove(at);
        entry.index %= self.ring;
        match entry.stamps.get_mut(entry.index) {
            Some(stamp) => *stamp = probe.now.0,
            None => entry.stamps.push(probe.now.0),
        }
        entry.index += 1;
        entry.ttl = probe.ttl;
        self.entries.push(entry);
    }

    fn hit(&self, at: usize, now: Jiffies, window: Window) -> bool {
        let Some(entry) = self.entries.get(at) else {
            return false;
        };
        let cutoff = now.0 - window.jiffies;
        let recent = |stamp: &&i64| window.jiffies == 0 || **stamp >= cutoff;
        entry.stamps.iter().filter(recent).count() >= window.hits.max(1) as usize
    }

    fn finish_check(&mut self, at: usize, probe: Probe, window: Window, stamps: bool) {
        // The kernel reaps first, and never the entry it is about to stamp.
        let stale = |e: &Entry| e.latest() < probe.now.0 - window.jiffies;
        let reap = window.reap && !(stamps && at == 0) && self.entries.first().is_some_and(stale);
        if stamps {
            self.stamp(at, probe);
        }
        if reap {
            self.entries.remove(0);
        }
    }
}

impl Rewind for RecentLists {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (at, list) in self.journal.take().into_iter().rev() {
            if let Some(slot) = self.lists.get_mut(at) {
                *slot = list;
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

    const FULL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);

    fn probe(last: u8, now: i64) -> Probe {
        Probe {
            address: IpAddr::from([10, 0, 0, last]),
            ttl: 64,
            match_ttl: false,
            now: Jiffies(now),
        }
    }

    fn check(lists: &mut RecentLists, last: u8, now: i64, jiffies: i64, hits: u32) -> bool {
        let window = Window {
            jiffies,
            hits,
            reap: false,
        };
        lists.check(0, probe(last, now), window, false, false)
    }

    fn lists(hits: u32) -> RecentLists {
        let mut lists = RecentLists::default();
        lists.register("DEFAULT", FULL, hits);
        lists
    }

    #[test]
    fn a_stamp_counts_until_the_window_has_passed() {
        let mut lists = lists(0);
        assert!(!check(&mut lists, 1, 0, 0, 0));
        lists.set(0, probe(1, 0));
        assert!(check(&mut lists, 1, 250, 250, 0));
        assert!(!check(&mut lists, 1, 251, 250, 0));
        assert!(check(&mut lists, 1, 251, 0, 0));
        assert!(!check(&mut lists, 2, 0, 0, 0));
    }

    #[test]
    fn hits_are_counted_within_the_window() {
        let mut lists = lists(3);
        for now in [0, 100, 200] {
            lists.set(0, probe(1, now));
        }
        assert!(check(&mut lists, 1, 200, 250, 3));
        assert!(!check(&mut lists, 1, 300, 250, 3));
        assert!(check(&mut lists, 1, 300, 250, 2));
    }

    #[test]
    fn the_ring_keeps_a_power_of_two_of_stamps() {
        let mut lists = lists(3);
        for now in 0..6 {
            lists.set(0, probe(1, now));
        }
        assert_eq!(lists.lists[0].entries[0].stamps, [4, 5, 2, 3]);
        assert_eq!(lists.lists[0].entries[0].latest(), 5);
    }

    #[test]
    fn a_later_rule_with_more_hits_empties_the_list() {
        let mut lists = lists(3);
        lists.set(0, probe(1, 0));
        assert_eq!(lists.register("DEFAULT", FULL, 2), 0);
        assert_eq!(lists.lists[0].entries.len(), 1);
        lists.register("DEFAULT", FULL, 5);
        assert_eq!((lists.lists[0].entries.len(), lists.lists[0].ring), (0, 8));
    }

    #[test]
    fn an_update_stamps_when_the_answer_is_true_even_inverted() {
        let mut lists = lists(0);
        lists.set(0, probe(1, 0));
        let window = Window {
            jiffies: 100,
            ..Window::default()
        };
        assert!(!lists.check(0, probe(1, 200), window, true, false));
        assert_eq!(lists.lists[0].entries[0].stamps.len(), 1);
        assert!(lists.check(0, probe(1, 200), window, true, true));
        assert_eq!(lists.lists[0].entries[0].stamps, [0, 200]);
        assert!(lists.check(0, probe(9, 0), window, true, true));
        assert_eq!(lists.lists[0].entries.len(), 1);
    }

    #[test]
    fn the_hundred_and_first_address_pushes_out_the_one_used_longest_ago() {
        let mut lists = lists(0);
        for last in 0..100 {
            lists.set(0, probe(last, i64::from(last)));
        }
        lists.set(0, probe(0, 100));
        lists.set(0, probe(100, 101));
        assert!(check(&mut lists, 0, 101, 0, 0));
        assert!(!check(&mut lists, 1, 101, 0, 0));
    }

    #[test]
    fn rttl_wants_the_stored_ttl() {
        let mut lists = lists(0);
        lists.set(0, probe(1, 0));
        let other = Probe {
            ttl: 63,
            match_ttl: true,
            ..probe(1, 0)
        };
        assert!(!lists.check(0, other, Window::default(), false, false));
        let same = Probe { ttl: 64, ..other };
        assert!(lists.check(0, same, Window::default(), false, false));
    }

    #[test]
    fn reaping_drops_the_eldest_unless_it_is_being_stamped() {
        let mut lists = lists(0);
        lists.set(0, probe(1, 0));
        lists.set(0, probe(2, 100));
        let window = Window {
            jiffies: 50,
            hits: 0,
            reap: true,
        };
        assert!(lists.check(0, probe(2, 120), window, false, false));
        assert_eq!(lists.lists[0].entries.len(), 1);
        assert!(lists.check(0, probe(2, 120), window, true, false));
        assert!(lists.check(0, probe(2, 500), window, true, true));
        assert_eq!(lists.lists[0].entries.len(), 1);
        assert!(!lists.check(0, probe(2, 900), window, false, false));
        assert!(lists.lists[0].entries.is_empty());
    }

    #[test]
    fn the_first_rules_mask_groups_addresses() {
        let mut lists = RecentLists::default();
        lists.register("net", IpAddr::from([255, 255, 255, 0]), 0);
        assert_eq!(lists.register("net", FULL, 0), 0);
        lists.set(0, probe(1, 0));
        assert!(check(&mut lists, 77, 0, 0, 0));
    }

    #[test]
    fn removal_says_whether_it_was_there() {
        let mut lists = lists(0);
        lists.set(0, probe(1, 0));
        assert!(lists.remove(0, probe(1, 0)));
        assert!(!lists.remove(0, probe(1, 0)));
    }

    #[test]
    fn rollback_restores_every_touched_list() {
        let mut lists = lists(0);
        lists.set(0, probe(1, 0));
        lists.checkpoint();
        lists.set(0, probe(1, 5));
        lists.remove(0, probe(1, 5));
        lists.set(0, probe(2, 5));
        lists.rollback();
        assert!(check(&mut lists, 1, 0, 0, 0) && !check(&mut lists, 2, 0, 0, 0));
        assert_eq!(lists.lists[0].entries[0].stamps, [0]);
    }
}
