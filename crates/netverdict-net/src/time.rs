//! Packet time: nanoseconds since the epoch, taken from the capture, and the kernel's ticks derived from it.

use std::fmt;
use std::ops::{Add, Sub};

/// A packet's time in nanoseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Nanoseconds in a second.
    pub const SECOND: i64 = 1_000_000_000;

    /// From whole seconds and nanoseconds.
    pub const fn new(seconds: i64, nanoseconds: u32) -> Self {
        Self(
            seconds
                .saturating_mul(Self::SECOND)
                .saturating_add(nanoseconds as i64),
        )
    }

    /// Whole seconds, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(Self::SECOND)
    }

    /// The nanoseconds past [`Self::seconds`].
    pub const fn subsec_nanos(self) -> u32 {
        self.0.rem_euclid(Self::SECOND) as u32
    }

    /// Ticks of a kernel with `hz` ticks a second since `origin` (tick phase 0 at `origin`); before it, negative.
    pub const fn jiffies_since(self, origin: Self, hz: u32) -> Jiffies {
        let delta = self.0.saturating_sub(origin.0);
        // Whole seconds and the rest by themselves: neither needs more than 64 bits.
        let whole = delta.div_euclid(Self::SECOND).wrapping_mul(hz as i64);
        let rest = delta.rem_euclid(Self::SECOND) * hz as i64 / Self::SECOND;
        Jiffies(whole.wrapping_add(rest))
    }
}

impl Add<i64> for Timestamp {
    type Output = Self;

    /// Later by so many nanoseconds.
    fn add(self, nanoseconds: i64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }
}

impl Sub for Timestamp {
    type Output = i64;

    /// The nanoseconds from `other` to `self`.
    fn sub(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

/// `1700000000.000000001`: seconds with nine digits.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.seconds(), self.subsec_nanos())
    }
}

/// Kernel ticks since the model's boot (the first packet).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Jiffies(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_the_whole_ones_of_the_exact_product() {
        let times = [
            0,
            1,
            3_999_999,
            4_000_000,
            4_000_001,
            i64::MAX / 2,
            i64::MAX,
        ];
        for nanoseconds in times.into_iter().flat_map(|t| [t, -t]) {
            for hz in [1, 100, 250, 300, 1000, u32::MAX] {
                let exact = i128::from(nanoseconds) * i128::from(hz);
                let exact = exact.div_euclid(i128::from(Timestamp::SECOND)) as i64;
                let ticks = Timestamp(nanoseconds).jiffies_since(Timestamp(0), hz);
                assert_eq!(ticks, Jiffies(exact), "{nanoseconds} ns at {hz}");
            }
        }
    }
}
