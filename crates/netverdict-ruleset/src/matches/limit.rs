//! `-m limit`: a token bucket of the rule's own.

use std::fmt;

use super::rate::Rate;

/// True as long as the bucket has credit. Each rule has its own bucket, full when loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// `--limit` as the time that one packet costs, in 1/10000 s, rounded down.
    pub period: u32,
    /// `--limit-burst`: how many packets a full bucket pays for.
    pub burst: u32,
}

impl Limit {
    /// Ticks of [`Limit::period`] in a second (`XT_LIMIT_SCALE`).
    pub const SCALE: u32 = 10_000;
    /// The burst that is not printed.
    pub const DEFAULT_BURST: u32 = 5;

    /// The rate as it is printed, so many packets in so many seconds: what nf_tables is given instead of the period.
    pub fn rate(&self) -> (u64, u64) {
        let rate = Rate::of_period(u64::from(self.period), u64::from(Self::SCALE));
        (rate.count, rate.seconds)
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            period: 3600 * Self::SCALE / 3,
            burst: Self::DEFAULT_BURST,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = Rate::of_period(u64::from(self.period), u64::from(Self::SCALE));
        write!(f, " --limit {rate}")?;
        if self.burst != Self::DEFAULT_BURST {
            write!(f, " --limit-burst {}", self.burst)?;
        }
        Ok(())
    }
}
