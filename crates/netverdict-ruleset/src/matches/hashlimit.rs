//! `-m hashlimit`: token buckets by address and port, shared by all rules that use the same name.

use std::fmt;

use super::rate::Rate;
use crate::value::join;

/// Compares the rate of the packet's group with a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashlimit {
    /// `--hashlimit-above` (`true`) or `--hashlimit-upto`.
    pub above: bool,
    /// The rate and the burst.
    pub rate: HashlimitRate,
    /// `--hashlimit-mode`: what makes a group; empty for one bucket.
    pub mode: HashlimitMode,
    /// `--hashlimit-name`: the table's name.
    pub name: String,
    /// `--hashlimit-htable-size`: buckets of the hash table, 0 for the kernel's choice.
    pub size: u32,
    /// `--hashlimit-htable-max`: most groups, 0 for the kernel's choice.
    pub max: u32,
    /// `--hashlimit-htable-gcinterval`: milliseconds between collections.
    pub gc_interval: u32,
    /// `--hashlimit-htable-expire`: milliseconds after which an idle group may be collected.
    pub expire: u32,
    /// `--hashlimit-srcmask`: prefix length; `None` is the whole address.
    pub source_prefix_len: Option<u8>,
    /// `--hashlimit-dstmask`: prefix length; `None` is the whole address.
    pub destination_prefix_len: Option<u8>,
    /// `--hashlimit-rate-match` with its interval in seconds.
    pub rate_match: Option<u32>,
}

impl Hashlimit {
    /// The collection interval that is not printed, in milliseconds.
    pub const DEFAULT_GC_INTERVAL: u32 = 1000;
}

/// A limit in packets or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashlimitRate {
    /// Packets.
    Packets {
        /// The time that one packet costs, in 1/1000000 s, rounded down (with rate-match: divided by the unit's seconds).
        period: u64,
        /// `--hashlimit-burst`: how many packets a full bucket pays for.
        burst: u32,
    },
    /// Bytes.
    Bytes {
        /// What 16 bytes cost, of 2^32 credits a second: `u32::MAX / (bytes_per_second / 16 + 1)`.
        cost: u32,
        /// `--hashlimit-burst` as the number of times an empty bucket is refilled at once; 0 if not given.
        refills: u32,
    },
}

impl HashlimitRate {
    /// Ticks of a packet period in a second (`XT_HASHLIMIT_SCALE_v2`).
    pub const SCALE: u64 = 1_000_000;
    /// Default lifetime of a group in byte mode, in milliseconds.
    pub const BYTES_EXPIRE: u32 = 15_000;
    /// The same when a burst is given.
    pub const BYTES_BURST_EXPIRE: u32 = 60_000;

    /// The cost of a rate in bytes a second.
    pub const fn cost_of_bytes(bytes: u64) -> u32 {
        let chunks = (bytes >> 4) as u32;
        match chunks.checked_add(1) {
            Some(chunks) => u32::MAX / chunks,
            None => u32::MAX,
        }
    }

    /// The rate in bytes a second that a cost stands for.
    pub fn bytes_of_cost(cost: u32) -> u64 {
        let chunks = u32::MAX.checked_div(cost).unwrap_or(u32::MAX);
        u64::from(chunks.saturating_sub(1)) << 4
    }
}

/// Which parts of a packet make its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HashlimitMode {
    /// `srcip`.
    pub source_address: bool,
    /// `srcport`.
    pub source_port: bool,
    /// `dstip`.
    pub destination_address: bool,
    /// `dstport`.
    pub destination_port: bool,
}

impl HashlimitMode {
    /// Whether all packets share one bucket.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for HashlimitMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("srcip", self.source_address),
            ("srcport", self.source_port),
            ("dstip", self.destination_address),
            ("dstport", self.destination_port),
        ];
        let names = parts.iter().filter(|(_, on)| *on);
        join(f, names.map(|(name, _)| name), ",")
    }
}

const UNITS: [(&str, u64); 3] = [("m", 1 << 20), ("k", 1 << 10), ("", 1)];

/// Writes rate and burst; returns the lifetime in milliseconds that goes without saying for it.
fn write_rate(f: &mut fmt::Formatter<'_>, rate: HashlimitRate) -> Result<u32, fmt::Error> {
    match rate {
        HashlimitRate::Packets { period, burst } => {
            let rate = Rate::of_period(period, HashlimitRate::SCALE);
            write!(f, " {rate} --hashlimit-burst {burst}")?;
            Ok(rate.seconds as u32 * 1000)
        }
        HashlimitRate::Bytes { cost, refills } => write_bytes(f, cost, refills),
    }
}

fn write_bytes(f: &mut fmt::Formatter<'_>, cost: u32, refills: u32) -> Result<u32, fmt::Error> {
    let bytes = HashlimitRate::bytes_of_cost(cost);
    let exact =
        |unit: u64| bytes >= unit && HashlimitRate::cost_of_bytes(bytes & !(unit - 1)) == cost;
    let (name, unit) = coarsest(exact);
    write!(f, " {}{name}b/s", bytes / unit)?;
    if refills == 0 {
        return Ok(HashlimitRate::BYTES_EXPIRE);
    }
    let burst = bytes.wrapping_mul(u64::from(refills));
    let (name, unit) = coarsest(|unit| burst >= unit);
    write!(f, " --hashlimit-burst {}{name}b", burst / unit)?;
    Ok(HashlimitRate::BYTES_BURST_EXPIRE)
}

fn coarsest(fits: impl Fn(u64) -> bool) -> (&'static str, u64) {
    let unit = UNITS.into_iter().find(|(_, unit)| fits(*unit));
    unit.unwrap_or(("", 1))
}

impl fmt::Display for Hashlimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.above {
            " --hashlimit-above"
        } else {
            " --hashlimit-upto"
        })?;
        let usual_expire = write_rate(f, self.rate)?;
        if !self.mode.is_empty() {
            write!(f, " --hashlimit-mode {}", self.mode)?;
        }
        write!(f, " --hashlimit-name {}", self.name)?;
        self.write_table(f, usual_expire)?;
        if let Some(interval) = self.rate_match {
            f.write_str(" --hashlimit-rate-match")?;
            if interval != 1 {
                write!(f, " --hashlimit-rate-interval {interval}")?;
            }
        }
        Ok(())
    }
}

impl Hashlimit {
    fn write_table(&self, f: &mut fmt::Formatter<'_>, usual_expire: u32) -> fmt::Result {
        let given = |value: u32, default: u32| (value != default).then_some(value);
        for (option, value) in [
            ("htable-size", given(self.size, 0)),
            ("htable-max", given(self.max, 0)),
            (
                "htable-gcinterval",
                given(self.gc_interval, Self::DEFAULT_GC_INTERVAL),
            ),
            ("htable-expire", given(self.expire, usual_expire)),
            ("srcmask", self.source_prefix_len.map(u32::from)),
            ("dstmask", self.destination_prefix_len.map(u32::from)),
        ] {
            if let Some(value) = value {
                write!(f, " --hashlimit-{option} {value}")?;
            }
        }
        Ok(())
    }
}
