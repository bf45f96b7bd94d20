//! The rate estimators of RATEEST and `-m rateest` (net/core/gen_estimator.c), as if the rules had been loaded at tick 0.

use super::Rewind;
use super::journal::Journal;

/// Averages are kept in 256ths a second.
const SCALE: u32 = 10;

/// An average that a timer moves every quarter second shifted by `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Estimator {
    interval: u8,
    ewma: u8,
    /// Ticks between two runs of the timer.
    period: i64,
    /// The tick of the timer's next run.
    next: i64,
    /// Bytes and packets since the timer ran last.
    fresh: [u64; 2],
    /// Average bytes and packets a second.
    average: [u64; 2],
}

impl Estimator {
    /// Lets the timer run as often as it has by now (`est_timer`).
    fn advance(&mut self, now: i64) {
        while self.next <= now {
            for (fresh, average) in self.fresh.iter_mut().zip(&mut self.average) {
                let rate = std::mem::take(fresh) << SCALE.saturating_sub(self.interval.into());
                let change = (rate >> self.ewma).wrapping_sub(*average >> self.ewma);
                *average = average.wrapping_add(change);
            }
            self.next += self.period;
            // Nothing moves any more: the rest of the runs at once.
            if self.average.iter().all(|average| average >> self.ewma == 0) && self.next <= now {
                self.next += (now - self.next) / self.period * self.period;
            }
        }
    }
}

/// All estimators, by name; those of both families are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Estimators {
    names: Vec<String>,
    list: Vec<Option<Estimator>>,
    journal: Journal<(usize, Option<Estimator>)>,
}

impl Estimators {
    /// The place of an estimator, made or not.
    pub(crate) fn place(&mut self, name: &str) -> usize {
        if let Some(at) = self.names.iter().position(|known| known == name) {
            return at;
        }
        self.names.push(name.to_owned());
        self.list.push(None);
        self.names.len() - 1
    }

    /// Makes one, unless a rule before did. `interval` counts from 0 for 250 ms.
    pub(crate) fn make(&mut self, place: usize, interval: u8, ewma: u8, hz: u32) {
        let period = (i64::from(hz / 4) << interval).max(1);
        if let Some(slot @ None) = self.list.get_mut(place) {
            *slot = Some(Estimator {
                interval,
                ewma: ewma.min(63),
                period,
                next: period,
                fresh: [0; 2],
                average: [0; 2],
            });
        }
    }

    fn advanced(&mut self, place: usize, now: i64) -> Option<&mut Estimator> {
        let estimator = self.list.get_mut(place)?.as_mut()?;
        let before = *estimator;
        self.journal.note(|| (place, Some(before)));
        estimator.advance(now);
        Some(estimator)
    }

    /// Counts a packet.
    pub(crate) fn count(&mut self, place: usize, len: u64, now: i64) {
        if let Some(estimator) = self.advanced(place, now) {
            let [bytes, packets] = &mut estimator.fresh;
            *bytes = bytes.wrapping_add(len);
            *packets = packets.wrapping_add(1);
        }
    }

    /// Bytes and packets a second; `None` where no rule feeds it.
    pub(crate) fn rates(&mut self, place: usize, now: i64) -> Option<[u32; 2]> {
        let estimator = self.advanced(place, now)?;
        Some(estimator.average.map(|average| (average >> 8) as u32))
    }

    /// An estimator's name.
    pub(crate) fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }
}

impl Rewind for Estimators {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (place, old) in self.journal.take().into_iter().rev() {
            if let Some(slot) = self.list.get_mut(place) {
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
    fn a_steady_rate_is_found_and_forgotten() {
        let mut estimators = Estimators::default();
        let place = estimators.place("e");
        assert_eq!(estimators.rates(place, 0), None);
        estimators.make(place, 2, 1, 250);
        // Ten packets of 100 bytes a second for 20 seconds.
        for packet in 0..200 {
            estimators.count(place, 100, packet * 25);
        }
        let [bytes, packets] = estimators.rates(place, 5000).unwrap();
        assert!((998..=1000).contains(&bytes), "{bytes}");
        assert!((9..=10).contains(&packets), "{packets}");
        assert_eq!(estimators.rates(place, 50_000_000), Some([0, 0]));
    }

    #[test]
    fn what_is_taken_back_did_not_happen() {
        let mut estimators = Estimators::default();
        let place = estimators.place("e");
        estimators.make(place, 0, 1, 250);
        estimators.checkpoint();
        estimators.count(place, 1000, 10);
        estimators.rollback();
        assert_eq!(estimators.rates(place, 100), Some([0, 0]));
    }
}
