//! Packet rates as the limit matches print them: the coarsest unit that gives the period back.

use std::fmt;

/// So many packets in a unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Packets in one unit.
    pub(crate) count: u64,
    unit: &'static str,
    /// Length of the unit in seconds.
    pub(crate) seconds: u64,
}

const UNITS: [(&str, u64); 4] = [("day", 86400), ("hour", 3600), ("min", 60), ("sec", 1)];

impl Rate {
    /// The rate whose packets are `period` apart, in ticks of `1/scale` seconds. `None` stands for a period of 0.
    pub(crate) fn of_period(period: u64, scale: u64) -> Self {
        let (mut unit, mut seconds) = UNITS[0];
        if period == 0 {
            return Self {
                count: u64::MAX,
                unit,
                seconds: 0,
            };
        }
        for (next, length) in UNITS.into_iter().skip(1) {
            let ticks = length * scale;
            if period > ticks || ticks / period < ticks % period {
                break;
            }
            (unit, seconds) = (next, length);
        }
        Self {
            count: seconds * scale / period,
            unit,
            seconds,
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds == 0 {
            return f.write_str("inf");
        }
        write!(f, "{}/{}", self.count, self.unit)
    }
}
