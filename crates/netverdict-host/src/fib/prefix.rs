//! Longest-prefix lookup with backtracking: nested prefixes flattened into disjoint intervals, found by binary search;
//! each prefix links to the next shorter one that contains it.

use std::net::IpAddr;

use netverdict_net::AddrMask;

/// An address as a number; IPv4 fills the upper 32 bits, so that prefix lengths mean the same in both families.
pub(super) fn bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(a) => u128::from(a.to_bits()) << 96,
        IpAddr::V6(a) => a.to_bits(),
    }
}

/// Values under prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PrefixTable<T> {
    /// First addresses of the intervals, ascending; the first is 0.
    starts: Vec<u128>,
    /// The longest prefix over each interval.
    owners: Vec<Option<u32>>,
    nodes: Vec<Node<T>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node<T> {
    /// The length of the prefix.
    pub(super) len: u8,
    /// What is stored under it, in the order it was given.
    pub(super) values: Vec<T>,
    parent: Option<u32>,
}

impl<T> Default for PrefixTable<T> {
    fn default() -> Self {
        Self {
            starts: vec![0],
            owners: vec![None],
            nodes: Vec::new(),
        }
    }
}

impl<T> PrefixTable<T> {
    /// Builds the table; values under one prefix keep their order. Prefixes have no holes.
    pub(super) fn new(entries: impl IntoIterator<Item = (AddrMask, T)>) -> Self {
        let mut sorted: Vec<(u128, u8, T)> = entries
            .into_iter()
            .map(|(p, value)| (bits(p.addr()), p.prefix_len().unwrap_or(0), value))
            .collect();
        sorted.sort_by_key(|(addr, len, _)| (*addr, *len));
        let mut sweep = Sweep::default();
        for (addr, len, value) in sorted {
            sweep.add(addr, len, value);
        }
        sweep.finish()
    }

    /// The prefixes that contain `addr`, longest first.
    pub(super) fn containing(&self, addr: IpAddr) -> impl Iterator<Item = &Node<T>> {
        let at = self.starts.partition_point(|s| *s <= bits(addr));
        let first = at.checked_sub(1).and_then(|i| self.owners.get(i).copied()?);
        let node = |i: u32| self.nodes.get(i as usize);
        std::iter::successors(first.and_then(node), move |n| n.parent.and_then(node))
    }
}

struct Sweep<T> {
    table: PrefixTable<T>,
    /// Open prefixes, outermost first: index and last address.
    open: Vec<(u32, u128)>,
    last: Option<(u128, u8)>,
}

impl<T> Default for Sweep<T> {
    fn default() -> Self {
        Self {
            table: PrefixTable::default(),
            open: Vec::new(),
            last: None,
        }
    }
}

impl<T> Sweep<T> {
    fn add(&mut self, addr: u128, len: u8, value: T) {
        if self.last == Some((addr, len)) {
            if let Some(node) = self.table.nodes.last_mut() {
                node.values.push(value);
            }
            return;
        }
        self.last = Some((addr, len));
        self.close_before(addr);
        let index = self.table.nodes.len() as u32;
        self.table.nodes.push(Node {
            len,
            values: vec![value],
            parent: self.open.last().map(|(i, _)| *i),
        });
        let end = addr | u128::MAX.checked_shr(u32::from(len)).unwrap_or(0);
        self.open.push((index, end));
        self.mark(addr, Some(index));
    }

    /// Closes the open prefixes that end before `addr`.
    fn close_before(&mut self, addr: u128) {
        while let Some((_, end)) = self.open.last().copied().filter(|(_, end)| *end < addr) {
            self.open.pop();
            self.mark(end + 1, self.open.last().map(|(i, _)| *i));
        }
    }

    fn mark(&mut self, start: u128, owner: Option<u32>) {
        if self.table.starts.last() == Some(&start) {
            if let Some(last) = self.table.owners.last_mut() {
                *last = owner;
            }
        } else {
            self.table.starts.push(start);
            self.table.owners.push(owner);
        }
    }

    fn finish(mut self) -> PrefixTable<T> {
        while let Some((_, end)) = self.open.pop() {
            if let Some(next) = end.checked_add(1) {
                self.mark(next, self.open.last().map(|(i, _)| *i));
            }
        }
        self.table
    }
}

#[cfg(test)]
mod tests {
    use netverdict_net::Family;
    use proptest::prelude::*;

    use super::*;

    fn prefix() -> impl Strategy<Value = AddrMask> {
        // Few distinct bits, so that prefixes nest and repeat.
        (0_u32..8, 0_u32..4, 0_u8..=32).prop_map(|(high, low, len)| {
            AddrMask::prefix(IpAddr::from((high << 29 | low).to_be_bytes()), len)
        })
    }

    proptest! {
        /// The table finds what trying every prefix finds, longest first, each prefix's values in order.
        #[test]
        fn equals_a_linear_search(
            prefixes in prop::collection::vec(prefix(), 0..40),
            addr in prop_oneof![any::<u32>(), (0_u32..8, 0_u32..4).prop_map(|(h, l)| h << 29 | l)],
        ) {
            let addr = IpAddr::from(addr.to_be_bytes());
            let table = PrefixTable::new(prefixes.iter().copied().zip(0..));
            let found: Vec<i32> = table.containing(addr).flat_map(|n| n.values.clone()).collect();
            let mut expected: Vec<(u8, i32)> = prefixes
                .iter()
                .zip(0..)
                .filter(|(p, _)| p.contains(addr))
                .map(|(p, i)| (p.prefix_len().unwrap(), i))
                .collect();
            expected.sort_by_key(|(len, i)| (std::cmp::Reverse(*len), *i));
            prop_assert_eq!(found, expected.into_iter().map(|(_, i)| i).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_whole_of_ipv6_and_its_last_address_fit() {
        let last = IpAddr::from([0xff_u8; 16]);
        let table = PrefixTable::new([(AddrMask::any(Family::V6), 1), (AddrMask::host(last), 2)]);
        let lens: Vec<u8> = table.containing(last).map(|n| n.len).collect();
        assert_eq!(lens, [128, 0]);
    }
}
