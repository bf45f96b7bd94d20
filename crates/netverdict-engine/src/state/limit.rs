//! The token buckets of `-m limit`: xt_limit's in ticks, nft_limit's in nanoseconds.

use netverdict_net::{Jiffies, Timestamp};

/// What xt_limit divides an average by: 10,000 is one packet a second.
const SCALE: u32 = 10_000;

/// xt_limit's bucket. All arithmetic is in 32 bits and wraps, as the kernel's does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    per_jiffy: u32,
    cost: u32,
    cap: u32,
    credit: u32,
    previous: i64,
}

impl Bucket {
    /// A full bucket at tick 0. `average` is in ten-thousandths of a second for each packet.
    pub(crate) fn new(average: u32, burst: u32, hz: u32) -> Self {
        let per_jiffy = credits_per_jiffy(hz);
        let cap = user_credits(average.wrapping_mul(burst), hz, per_jiffy);
        Self {
            per_jiffy,
            cost: user_credits(average, hz, per_jiffy),
            cap,
            credit: cap,
            previous: 0,
        }
    }

    /// Takes one packet's cost if there is credit for it (`limit_mt`).
    pub(crate) fn take(&mut self, now: Jiffies) -> bool {
        let elapsed = now.0.wrapping_sub(self.previous) as u32;
        self.previous = now.0;
        let earned = elapsed.wrapping_mul(self.per_jiffy);
        self.credit = self.credit.wrapping_add(earned).min(self.cap);
        let enough = self.credit >= self.cost;
        if enough {
            self.credit -= self.cost;
        }
        enough
    }
}

/// The largest power of two that lets one packet a day fit in 32 bits (`CREDITS_PER_JIFFY`).
fn credits_per_jiffy(hz: u32) -> u32 {
    power_of_two_below(u64::from(u32::MAX) / (u64::from(hz.max(1)) * 86_400)) as u32
}

/// The largest power of two not above `value`, at least 1.
pub(crate) const fn power_of_two_below(value: u64) -> u64 {
    match value.checked_ilog2() {
        Some(bits) => 1 << bits,
        None => 1,
    }
}

/// `user2credits`: divides first where multiplying would overflow.
const fn user_credits(user: u32, hz: u32, per_jiffy: u32) -> u32 {
    let factor = hz.wrapping_mul(per_jiffy);
    if user > u32::MAX / factor {
        (user / SCALE).wrapping_mul(factor)
    } else {
        user.wrapping_mul(factor) / SCALE
    }
}

/// nft_limit's bucket of packets (`nft_limit_eval`): no ticks, no inversion here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NftBucket {
    cost: u64,
    cap: u64,
    tokens: u64,
    last: Timestamp,
}

impl NftBucket {
    /// A full bucket: `rate` packets every `seconds`, and `burst` of them at once.
    pub(crate) fn new(rate: u64, seconds: u64, burst: u32) -> Self {
        let cost = seconds * Timestamp::SECOND as u64 / rate.max(1);
        let cap = cost * u64::from(burst);
        Self {
            cost,
            cap,
            tokens: cap,
            last: Timestamp(i64::MIN),
        }
    }

    /// Takes one packet's cost if there are tokens for it.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        let elapsed = u64::try_from(now - self.last).unwrap_or(0);
        self.last = now;
        self.tokens = self.tokens.saturating_add(elapsed).min(self.cap);
        let enough = self.tokens >= self.cost;
        if enough {
            self.tokens -= self.cost;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_per_jiffy_of_the_usual_ticks() {
        let all = [100, 250, 300, 1000].map(credits_per_jiffy);
        assert_eq!(all, [256, 128, 128, 32]);
    }

    /// Seen on a 6.18 kernel: 1/s with burst 3 lets 3 pass, then 2 after 2.1 s.
    #[test]
    fn one_a_second_with_burst_three() {
        let mut bucket = Bucket::new(SCALE, 3, 250);
        let passed =
            |bucket: &mut Bucket, jiffies| (0..5).filter(|_| bucket.take(Jiffies(jiffies))).count();
        assert_eq!(passed(&mut bucket, 0), 3);
        assert_eq!(passed(&mut bucket, 525), 2);
        assert_eq!(passed(&mut bucket, 700), 0);
        assert_eq!(passed(&mut bucket, 750), 1);
    }

    /// 3/hour, burst 5 (the default): the division comes first, as 12,000,000 × 32,000 does not fit in 32 bits.
    #[test]
    fn slow_rates_divide_first() {
        let mut bucket = Bucket::new(12_000_000, 5, 250);
        assert_eq!(bucket.cost, 1200 * 32_000);
        assert_eq!(bucket.cap, 6000 * 32_000);
        assert_eq!((0..9).filter(|_| bucket.take(Jiffies(0))).count(), 5);
        assert!(!bucket.take(Jiffies(1200 * 250 - 1)));
        assert!(bucket.take(Jiffies(1200 * 250)));
    }

    /// 2^32 credits are 2^25 ticks at HZ 250; after exactly that long the wrapped gain is nothing.
    #[test]
    fn a_long_silence_wraps_in_32_bits() {
        let mut bucket = Bucket::new(SCALE, 1, 250);
        assert!(bucket.take(Jiffies(0)));
        assert!(!bucket.take(Jiffies(1 << 25)));
    }

    #[test]
    fn nft_refills_by_the_nanosecond() {
        let start = Timestamp(5);
        let mut bucket = NftBucket::new(1, 1, 2);
        assert_eq!((0..5).filter(|_| bucket.take(start)).count(), 2);
        assert!(!bucket.take(start + (Timestamp::SECOND - 1)));
        assert!(bucket.take(start + Timestamp::SECOND));
    }
}
