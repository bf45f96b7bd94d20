//! Verdicts over time, in as many bins as a chart can use, whatever the capture's length.

use netverdict_net::Timestamp;
use netverdict_replay::Verdict;

/// How many bins there are at most. A power of two: neighbours are merged in pairs.
const BINS: i64 = 512;
/// The narrowest bin, in nanoseconds.
const NARROWEST: i64 = 1_000_000;

/// Counts of each verdict in the order of [`Verdict::ALL`].
pub(crate) type Bin = [u64; Verdict::ALL.len()];

/// Packets by time and verdict.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeline {
    /// Where the first bin begins.
    start: Option<Timestamp>,
    /// Times two to this, a bin is as wide as the narrowest.
    doublings: u32,
    bins: Vec<Bin>,
}

impl Timeline {
    /// Counts a packet. One earlier than the first packet counts in the first bin.
    pub(crate) fn add(&mut self, time: Timestamp, verdict: Verdict) {
        let start = self.start.get_or_insert(time).0;
        let since = time.0.saturating_sub(start).max(0);
        while since / self.width() >= BINS {
            self.merge();
        }
        let index = (since / self.width()) as usize;
        if self.bins.len() <= index {
            self.bins.resize(index + 1, Bin::default());
        }
        let place = Verdict::ALL.iter().position(|v| *v == verdict);
        let count = self.bins.get_mut(index).zip(place);
        if let Some(count) = count.and_then(|(bin, place)| bin.get_mut(place)) {
            *count += 1;
        }
    }

    /// Where the first bin begins.
    pub(crate) fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// Nanoseconds that a bin spans.
    pub(crate) fn width(&self) -> i64 {
        NARROWEST.checked_shl(self.doublings).unwrap_or(i64::MAX)
    }

    /// All bins up to the last with a packet.
    pub(crate) fn bins(&self) -> &[Bin] {
        &self.bins
    }

    fn merge(&mut self) {
        self.doublings += 1;
        let pairs = self.bins.chunks(2);
        self.bins = pairs
            .map(|pair| {
                let mut sum = Bin::default();
                for (total, count) in pair.iter().flat_map(|bin| bin.iter().enumerate()) {
                    if let Some(slot) = sum.get_mut(total) {
                        *slot += count;
                    }
                }
                sum
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_widen_and_lose_nothing() {
        let mut timeline = Timeline::default();
        for second in 0..10_000 {
            timeline.add(Timestamp::new(1_000 + second, 0), Verdict::Accept);
        }
        timeline.add(Timestamp::new(0, 0), Verdict::Drop);
        assert!(timeline.bins().len() <= 512);
        let total: u64 = timeline.bins().iter().flatten().sum();
        assert_eq!(total, 10_001);
        assert_eq!(timeline.bins()[0][1], 1, "what is earlier counts first");
    }
}
