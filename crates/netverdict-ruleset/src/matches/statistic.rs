//! `-m statistic`: every nth packet, or packets at random.

use std::fmt;

use crate::Invertible;

/// True for a share of the packets that get this far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statistic {
    /// The mode; `!` turns the result round.
    pub mode: Invertible<StatisticMode>,
}

/// How packets are picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatisticMode {
    /// `--mode random --probability p`: p of 2^31.
    Random {
        /// Probability times 2^31, at most 2^31.
        probability: u32,
    },
    /// `--mode nth --every n --packet p`.
    Nth {
        /// One of so many packets, at least 1.
        every: u32,
        /// The first one that is picked, counted from 0; below `every`.
        packet: u32,
    },
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bang = self.mode.bang();
        match self.mode.value {
            StatisticMode::Random { probability } => {
                let share = f64::from(probability) / f64::from(1u32 << 31);
                write!(f, " --mode random{bang} --probability {share:.11}")
            }
            StatisticMode::Nth { every, packet } => {
                write!(f, " --mode nth{bang} --every {every} --packet {packet}")
            }
        }
    }
}
