//! `-j RATEEST`: feeds a rate estimator.

use std::fmt;

/// Counts the packet in a named estimator and goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rateest {
    /// `--rateest-name`, at most 15 bytes.
    pub name: String,
    /// `--rateest-interval` as the kernel keeps it: -2..=3 for 250 ms to 8 s.
    pub interval: i8,
    /// `--rateest-ewmalog` as the kernel keeps it: the averaging exponent.
    pub ewma_log: u8,
}

/// Microseconds, printed in the coarsest unit.
struct Micros(u64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(us) = *self;
        if us >= 1_000_000 {
            write!(f, "{:.1}s", us as f64 / 1e6)
        } else if us >= 1_000 {
            write!(f, "{:.1}ms", us as f64 / 1e3)
        } else {
            write!(f, "{us}us")
        }
    }
}

impl Rateest {
    /// The interval in microseconds.
    pub fn interval_micros(&self) -> u64 {
        1_000_000 * (1 << (self.interval as i64 + 2).clamp(0, 8) as u64) / 4
    }

    /// The averaging time in microseconds.
    pub fn average_micros(&self) -> u64 {
        self.interval_micros()
            << if self.ewma_log < 32 {
                self.ewma_log
            } else {
                31
            }
    }
}

impl fmt::Display for Rateest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (interval, average) = (self.interval_micros(), self.average_micros());
        let (interval, average) = (Micros(interval), Micros(average));
        write!(f, " --rateest-name {}", self.name)?;
        write!(
            f,
            " --rateest-interval {interval} --rateest-ewmalog {average}"
        )
    }
}
