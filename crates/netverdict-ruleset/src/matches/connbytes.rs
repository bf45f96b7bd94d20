//! `-m connbytes`: how much a connection has transferred.

use std::fmt;

use crate::Interval;
use crate::value::bang;

/// Tests a connection's counters, the current packet included; false without connection or counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connbytes {
    /// Whether `!` was given.
    pub inverted: bool,
    /// `--connbytes`, inclusive; an open end is `u64::MAX`.
    pub range: Interval<u64>,
    /// `--connbytes-mode`.
    pub mode: ConnbytesMode,
    /// `--connbytes-dir`.
    pub direction: ConnbytesDirection,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnbytesMode {
    /// Packets.
    Packets,
    /// Bytes.
    Bytes,
    /// Bytes by packets, rounded down.
    AveragePacket,
}

/// Which direction's packets are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnbytesDirection {
    /// As the first packet.
    Original,
    /// The other way.
    Reply,
    /// Both added.
    Both,
}

impl fmt::Display for ConnbytesMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Packets => "packets",
            Self::Bytes => "bytes",
            Self::AveragePacket => "avgpkt",
        })
    }
}

impl fmt::Display for ConnbytesDirection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Original => "original",
            Self::Reply => "reply",
            Self::Both => "both",
        })
    }
}

impl fmt::Display for Connbytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interval { first, last } = self.range;
        write!(f, "{} --connbytes {first}", bang(self.inverted))?;
        if last != 0 && last != u64::MAX {
            write!(f, ":{last}")?;
        }
        let (mode, direction) = (self.mode, self.direction);
        write!(f, " --connbytes-mode {mode} --connbytes-dir {direction}")
    }
}
