//! Who sent the packets that were stopped.

use std::collections::HashMap;
use std::net::IpAddr;

use netverdict_replay::{Record, Verdict};

/// How many addresses are counted apart.
const ADDRESSES: usize = 500_000;

/// Stopped packets by source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    counts: HashMap<IpAddr, u64>,
    /// Packets of addresses beyond the bound.
    pub(crate) omitted: u64,
}

impl Sources {
    /// Counts a packet if it was stopped.
    pub(crate) fn add(&mut self, record: &Record) {
        let is_stopped = matches!(record.verdict, Verdict::Drop | Verdict::Reject);
        let (true, None, Some(header)) = (is_stopped, &record.evidence, &record.transport) else {
            return;
        };
        if self.counts.len() < ADDRESSES || self.counts.contains_key(&header.source) {
            *self.counts.entry(header.source).or_default() += 1;
        } else {
            self.omitted += 1;
        }
    }

    /// The addresses with most packets, most first, then by address.
    pub(crate) fn top(&self, count: usize) -> Vec<(IpAddr, u64)> {
        let mut all: Vec<_> = self.counts.iter().map(|(a, n)| (*a, *n)).collect();
        all.sort_by_key(|(address, packets)| (std::cmp::Reverse(*packets), *address));
        all.truncate(count);
        all
    }

    /// How many addresses there are.
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }
}
