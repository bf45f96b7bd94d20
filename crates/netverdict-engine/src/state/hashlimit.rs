//! The tables of `-m hashlimit` (net/netfilter/xt_hashlimit.c): one bucket for each key, shared by name and family.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_net::{Family, Jiffies};
use netverdict_ruleset::matches::HashlimitMode;

use super::Rewind;
use super::journal::Journal;
use super::limit::power_of_two_below;

/// What a packet's bucket is found by; parts the mode leaves out are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Key {
    pub(crate) source: u128,
    pub(crate) destination: u128,
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
}

/// How packets are grouped: the parts of the key, and prefix lengths of the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Grouping {
    pub(crate) mode: HashlimitMode,
    pub(crate) source_len: u8,
    pub(crate) destination_len: u8,
}

/// How a table's buckets fill and empty: the configuration of the first rule that named it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Packets: millionths of a second for each. Bytes: 2^32 / (bytes a second / 16), roughly.
    pub(crate) average: u64,
    /// Packets at once; bytes: how often an empty bucket is filled up.
    pub(crate) burst: u64,
    pub(crate) bytes: bool,
    pub(crate) rate_match: bool,
    /// Seconds of a rate match's window.
    pub(crate) interval: u32,
    /// Milliseconds an unused entry lives.
    pub(crate) expire: u32,
    /// Milliseconds between sweeps.
    pub(crate) gc_interval: u32,
    /// Buckets of the hash; 0 leaves the choice to the kernel.
    pub(crate) size: u32,
    /// Entries at most; 0 for eight for each bucket of the hash.
    pub(crate) max: u32,
    pub(crate) grouping: Grouping,
}

/// The hash size of a kernel with at least 1 GiB of memory.
const DEFAULT_SIZE: u32 = 8192;

impl Settings {
    fn capacity(&self) -> usize {
        let size = if self.size == 0 {
            DEFAULT_SIZE
        } else {
            self.size
        };
        let max = match self.max {
            0 => size.saturating_mul(8),
            max => max.max(size),
        };
        max as usize
    }
}

/// One bucket (`struct dsthash_ent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    expires: i64,
    previous: i64,
    credit: u64,
    /// In bytes mode: refills left.
    cap: u64,
    /// Of a rate match: packets or bytes in this window, and whether the window before was over the rate.
    current: u64,
    previous_over: bool,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    family: Family,
    settings: Settings,
    rates: Rates,
    entries: HashMap<Key, Entry, FixedState>,
}

/// Figures that follow from the settings and the tick.
#[derive(Debug, Clone, Copy)]
struct Rates {
    hz: u64,
    per_jiffy: u64,
    per_jiffy_bytes: u64,
    cost: u64,
    cap: u64,
    rate: u64,
    rate_burst: u64,
    gc: i64,
    expire: i64,
}

/// Every table of the namespace.
#[derive(Debug, Clone, Default)]
pub(crate) struct HashlimitTables {
    tables: Vec<Table>,
    journal: Journal<(usize, Key, Option<Entry>)>,
}

/// What one packet costs, by the rule's own flags.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    pub(crate) bytes: bool,
    pub(crate) rate_match: bool,
    /// `skb->len`.
    pub(crate) len: u32,
}

/// The table is full and the key is new: the packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl HashlimitTables {
    /// Makes a rule's table known and returns its number; the first rule's settings stay.
    pub(crate) fn register(
        &mut self,
        name: &str,
        family: Family,
        settings: Settings,
        hz: u32,
    ) -> usize {
        let same = |t: &Table| t.family == family && t.name == name;
        if let Some(at) = self.tables.iter().position(same) {
            return at;
        }
        self.tables.push(Table {
            name: name.to_owned(),
            family,
            settings,
            rates: Rates::new(&settings, u64::from(hz.max(1))),
            entries: HashMap::default(),
        });
        self.tables.len() - 1
    }

    /// How a table groups packets.
    pub(crate) fn grouping(&self, table: usize) -> Option<Grouping> {
        Some(self.tables.get(table)?.settings.grouping)
    }

    /// Charges a packet to its bucket: whether it stays below the limit.
    pub(crate) fn charge(
        &mut self,
        table: usize,
        key: Key,
        charge: Charge,
        now: Jiffies,
    ) -> Result<bool, Full> {
        let Some(t) = self.tables.get_mut(table) else {
            return Err(Full);
        };
        let old = t.entries.get(&key).copied();
        let mut entry = if let Some(mut entry) = old.filter(|e| !t.rates.swept(e, now)) {
            entry.recalculate(&t.settings, &t.rates, now);
            entry
        } else {
            if old.is_none() && !Self::has_room(t, table, &mut self.journal, now) {
                return Err(Full);
            }
            Entry::new(&t.settings, &t.rates, now)
        };
        entry.expires = now.0 + t.rates.expire;
        let below = entry.charge(&t.rates, charge);
        self.journal.note(|| (table, key, old));
        t.entries.insert(key, entry);
        Ok(below)
    }

    /// Whether a new key fits, after sweeping out what the kernel's timer has swept by now.
    fn has_room(
        t: &mut Table,
        number: usize,
        journal: &mut Journal<(usize, Key, Option<Entry>)>,
        now: Jiffies,
    ) -> bool {
        let capacity = t.settings.capacity();
        if t.entries.len() < capacity {
            return true;
        }
        let rates = t.rates;
        let swept = t.entries.extract_if(|_, e| rates.swept(e, now));
        for (key, entry) in swept {
            journal.note(|| (number, key, Some(entry)));
        }
        t.entries.len() < capacity
    }
}

impl Rates {
    fn new(settings: &Settings, hz: u64) -> Self {
        let per_jiffy = power_of_two_below(u64::MAX / (hz * 86_400));
        let per_jiffy_bytes = power_of_two_below(u64::from(u32::MAX) / hz);
        // user2credits divides the constants first, which loses the fraction.
        let factor = (hz.wrapping_mul(per_jiffy) / 1_000_000).max(1);
        let credits = |user: u64| user.wrapping_mul(factor);
        let (cost, cap) = if settings.bytes {
            let cost = (u128::from(settings.average) * u128::from(hz * per_jiffy_bytes)) >> 32;
            (u64::from(cost as u32), settings.burst)
        } else {
            let cap = settings.average.wrapping_mul(settings.burst);
            (credits(settings.average), credits(cap))
        };
        let (rate, rate_burst) = settings.rate();
        Self {
            hz,
            per_jiffy,
            per_jiffy_bytes,
            cost,
            cap,
            rate,
            rate_burst,
            gc: jiffies(settings.gc_interval, hz).max(1),
            expire: jiffies(settings.expire, hz),
        }
    }

    fn full_bytes(&self) -> u64 {
        self.per_jiffy_bytes * self.hz
    }

    /// Whether the timer, which runs every `gc` ticks from 0 on, has met the entry after it expired.
    fn swept(&self, entry: &Entry, now: Jiffies) -> bool {
        now.0.div_euclid(self.gc) * self.gc >= entry.expires
    }
}

impl Settings {
    /// A rate match's rate and burst (`user2rate`, `user2rate_bytes`).
    fn rate(&self) -> (u64, u64) {
        if self.bytes {
            let chunks = u64::from(u32::MAX).checked_div(self.average);
            let rate = chunks.unwrap_or(u64::from(u32::MAX)).wrapping_sub(1) << 4;
            let burst = match self.burst {
                0 => rate,
                burst => burst.wrapping_mul(rate),
            };
            (rate, burst)
        } else {
            let rate = 1_000_000u64.checked_div(self.average).unwrap_or(0);
            (rate, self.burst.wrapping_add(rate))
        }
    }
}

/// `msecs_to_jiffies`: rounds up.
fn jiffies(milliseconds: u32, hz: u64) -> i64 {
    (u64::from(milliseconds) * hz).div_ceil(1000) as i64
}

impl Entry {
    /// `rateinfo_init`.
    fn new(settings: &Settings, rates: &Rates, now: Jiffies) -> Self {
        Self {
            expires: 0,
            previous: now.0,
            credit: if settings.bytes {
                rates.full_bytes()
            } else {
                rates.cap
            },
            cap: rates.cap,
            current: 0,
            previous_over: false,
        }
    }

    /// `rateinfo_recalc`.
    fn recalculate(&mut self, settings: &Settings, rates: &Rates, now: Jiffies) {
        let elapsed = u64::try_from(now.0 - self.previous).unwrap_or(0);
        if elapsed == 0 {
            return;
        }
        if settings.rate_match {
            let interval = u64::from(settings.interval) * rates.hz;
            if elapsed >= interval {
                self.previous = now.0;
                let earned = elapsed.wrapping_mul(rates.rate);
                self.previous_over = self.current.wrapping_mul(interval) > earned;
                self.current = 0;
            }
            return;
        }
        self.previous = now.0;
        let (per_jiffy, cap) = if settings.bytes {
            (rates.per_jiffy_bytes, rates.full_bytes())
        } else {
            (rates.per_jiffy, self.cap)
        };
        self.credit = self
            .credit
            .wrapping_add(per_jiffy.wrapping_mul(elapsed))
            .min(cap);
    }

    fn charge(&mut self, rates: &Rates, charge: Charge) -> bool {
        if charge.rate_match {
            self.current += if charge.bytes {
                u64::from(charge.len)
            } else {
                1
            };
            return !self.previous_over && self.current <= rates.rate_burst;
        }
        let cost = if charge.bytes {
            self.byte_cost(rates, charge.len)
        } else {
            rates.cost
        };
        let below = self.credit >= cost;
        if below {
            self.credit -= cost;
        }
        below
    }

    /// `hashlimit_byte_cost`: sixteen bytes at a time; an empty bucket may be filled up as often as the burst says.
    fn byte_cost(&mut self, rates: &Rates, len: u32) -> u64 {
        let chunks = u64::from(len >> 4) + 1;
        let cost = (chunks * rates.cost).min(rates.full_bytes());
        if self.credit < cost && self.cap > 0 {
            self.cap -= 1;
            self.credit = rates.full_bytes();
        }
        cost
    }
}

impl Rewind for HashlimitTables {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (table, key, old) in self.journal.take().into_iter().rev() {
            let Some(table) = self.tables.get_mut(table) else {
                continue;
            };
            match old {
                Some(entry) => table.entries.insert(key, entry),
                None => table.entries.remove(&key),
            };
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKETS: Settings = Settings {
        average: 1_000_000,
        burst: 3,
        bytes: false,
        rate_match: false,
        interval: 0,
        expire: 1000,
        gc_interval: 1000,
        size: 0,
        max: 0,
        grouping: Grouping {
            mode: HashlimitMode {
                source_address: true,
                source_port: false,
                destination_address: false,
                destination_port: false,
            },
            source_len: 32,
            destination_len: 32,
        },
    };

    const ONE: Charge = Charge {
        bytes: false,
        rate_match: false,
        len: 100,
    };

    fn key(last: u128) -> Key {
        Key {
            source: last,
            ..Key::default()
        }
    }

    fn tables(settings: Settings) -> HashlimitTables {
        let mut tables = HashlimitTables::default();
        assert_eq!(tables.register("t", Family::V4, settings, 250), 0);
        tables
    }

    fn below(tables: &mut HashlimitTables, key: Key, now: i64, times: usize) -> usize {
        (0..times)
            .filter(|_| tables.charge(0, key, ONE, Jiffies(now)) == Ok(true))
            .count()
    }

    #[test]
    fn factors_of_the_usual_ticks() {
        let factor = |hz: u64| {
            let rates = Rates::new(&PACKETS, hz);
            rates.cost / PACKETS.average
        };
        assert_eq!(
            [100, 250, 300, 1000].map(factor),
            [109_951_162, 137_438_953, 164_926_744, 137_438_953]
        );
        let bytes = |hz| Rates::new(&PACKETS, hz).per_jiffy_bytes.ilog2();
        assert_eq!([100, 250, 300, 1000].map(bytes), [25, 24, 23, 22]);
    }

    #[test]
    fn each_key_has_its_own_bucket() {
        let mut tables = tables(PACKETS);
        assert_eq!(below(&mut tables, key(1), 0, 5), 3);
        assert_eq!(below(&mut tables, key(2), 0, 5), 3);
        assert_eq!(below(&mut tables, key(1), 249, 1), 0);
        assert_eq!(below(&mut tables, key(1), 251, 2), 1);
    }

    #[test]
    fn an_entry_the_sweep_met_after_it_expired_starts_full() {
        let mut tables = tables(PACKETS);
        assert_eq!(below(&mut tables, key(1), 100, 9), 3);
        // It expires at 350; the sweeps are at 250 and 500.
        assert_eq!(below(&mut tables, key(1), 499, 9), 1);
        assert_eq!(below(&mut tables, key(1), 1000, 9), 3);
    }

    #[test]
    fn the_first_rule_configures_the_table_of_its_family() {
        let mut tables = tables(PACKETS);
        let other = Settings {
            burst: 1,
            ..PACKETS
        };
        assert_eq!(tables.register("t", Family::V4, other, 250), 0);
        assert_eq!(tables.register("t", Family::V6, other, 250), 1);
        assert_eq!(below(&mut tables, key(1), 0, 5), 3);
    }

    #[test]
    fn a_full_table_takes_no_new_key() {
        let mut tables = tables(Settings {
            size: 2,
            max: 1,
            ..PACKETS
        });
        for last in 0..2 {
            assert!(tables.charge(0, key(last), ONE, Jiffies(0)).is_ok());
        }
        assert_eq!(tables.charge(0, key(2), ONE, Jiffies(0)), Err(Full));
        assert!(tables.charge(0, key(1), ONE, Jiffies(0)).is_ok());
        assert!(tables.charge(0, key(2), ONE, Jiffies(500)).is_ok());
    }

    /// 1 kB/s is an average of 2^32/65 and chunks of 16 bytes; a bucket holds one second's worth.
    #[test]
    fn bytes_are_charged_in_chunks() {
        let settings = Settings {
            average: u64::from(u32::MAX) / ((1024 >> 4) + 1),
            burst: 0,
            bytes: true,
            ..PACKETS
        };
        let charge = Charge { bytes: true, ..ONE };
        let mut tables = tables(settings);
        let passed = (0..20)
            .filter(|_| tables.charge(0, key(1), charge, Jiffies(0)) == Ok(true))
            .count();
        assert_eq!(passed, 9, "7 chunks each, 65 a second");
    }

    #[test]
    fn a_burst_of_bytes_is_that_many_refills() {
        let settings = Settings {
            average: u64::from(u32::MAX) / ((1024 >> 4) + 1),
            burst: 2,
            bytes: true,
            ..PACKETS
        };
        let charge = Charge { bytes: true, ..ONE };
        let mut tables = tables(settings);
        let passed = (0..60)
            .filter(|_| tables.charge(0, key(1), charge, Jiffies(0)) == Ok(true))
            .count();
        assert_eq!(passed, 27);
    }

    #[test]
    fn rate_match_compares_windows() {
        let settings = Settings {
            average: 1_000_000 / 10,
            burst: 5,
            rate_match: true,
            interval: 1,
            expire: 60_000,
            ..PACKETS
        };
        let charge = Charge {
            rate_match: true,
            ..ONE
        };
        let mut tables = tables(settings);
        let mut passed = |now, times| {
            (0..times)
                .filter(|_| tables.charge(0, key(1), charge, Jiffies(now)) == Ok(true))
                .count()
        };
        assert_eq!(passed(0, 20), 15, "burst and rate");
        assert_eq!(passed(250, 5), 0, "the window before was over the rate");
        assert_eq!(passed(500, 5), 5);
    }

    #[test]
    fn rollback_takes_back_charges_and_new_keys() {
        let mut tables = tables(PACKETS);
        below(&mut tables, key(1), 0, 1);
        tables.checkpoint();
        below(&mut tables, key(1), 0, 2);
        below(&mut tables, key(2), 0, 1);
        tables.rollback();
        assert_eq!(tables.tables[0].entries.len(), 1);
        assert_eq!(below(&mut tables, key(1), 0, 5), 2);
    }
}
