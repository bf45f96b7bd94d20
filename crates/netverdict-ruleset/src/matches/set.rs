//! `-m set`: membership in an ipset.

use std::fmt;

use crate::value::{bang, join};

/// Looks the packet up in a named set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// Whether `!` was given before `--match-set`.
    pub inverted: bool,
    /// The set and which side of the packet each dimension takes.
    pub reference: SetReference,
    /// `--return-nomatch`: entries flagged `nomatch` count as hits.
    pub return_nomatch: bool,
    /// `false` for `! --update-counters`.
    pub update_counters: bool,
    /// `false` for `! --update-subcounters`.
    pub update_subcounters: bool,
    /// `--packets-eq`, `-lt`, `-gt`.
    pub packets: Option<SetCounterTest>,
    /// `--bytes-eq`, `-lt`, `-gt`.
    pub bytes: Option<SetCounterTest>,
}

/// A set's name with one side for each dimension.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SetReference {
    /// The set's name, at most 31 bytes.
    pub name: String,
    /// One to six sides.
    pub sides: Vec<SetSide>,
}

/// Source or destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetSide {
    /// `src`.
    Source,
    /// `dst`.
    Destination,
}

/// A comparison with an entry's counter, after this packet was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SetCounterTest {
    /// Equal.
    Equal(u64),
    /// Not equal.
    NotEqual(u64),
    /// Below.
    Less(u64),
    /// Above.
    Greater(u64),
}

impl SetCounterTest {
    /// Whether a counter passes.
    pub const fn matches(self, counter: u64) -> bool {
        match self {
            Self::Equal(n) => counter == n,
            Self::NotEqual(n) => counter != n,
            Self::Less(n) => counter < n,
            Self::Greater(n) => counter > n,
        }
    }

    fn write(self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        match self {
            Self::Equal(n) => write!(f, " --{what}-eq {n}"),
            Self::NotEqual(n) => write!(f, " ! --{what}-eq {n}"),
            Self::Less(n) => write!(f, " --{what}-lt {n}"),
            Self::Greater(n) => write!(f, " --{what}-gt {n}"),
        }
    }
}

impl fmt::Display for SetSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "src",
            Self::Destination => "dst",
        })
    }
}

/// `blocked src,dst`.
impl fmt::Display for SetReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.name)?;
        join(f, &self.sides, ",")
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --match-set {}", bang(self.inverted), self.reference)?;
        for (option, on) in [
            (" --return-nomatch", self.return_nomatch),
            (" ! --update-counters", !self.update_counters),
            (" ! --update-subcounters", !self.update_subcounters),
        ] {
            f.write_str(if on { option } else { "" })?;
        }
        self.packets
            .map_or(Ok(()), |test| test.write(f, "packets"))?;
        self.bytes.map_or(Ok(()), |test| test.write(f, "bytes"))
    }
}
