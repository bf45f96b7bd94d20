//! `-m srh`: the IPv6 segment routing header.

use std::fmt;
use std::net::Ipv6Addr;

use crate::Invertible;
use crate::value::bang;

/// Tests a segment routing header (routing type 4); false without a sound one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Srh {
    /// `--srh-next-hdr`.
    pub next_header: Option<Invertible<u8>>,
    /// `--srh-hdr-len-eq`, `-gt`, `-lt`: the length field.
    pub length: SrhNumber,
    /// `--srh-segs-left-eq`, `-gt`, `-lt`.
    pub segments_left: SrhNumber,
    /// `--srh-last-entry-eq`, `-gt`, `-lt`.
    pub last_entry: SrhNumber,
    /// `--srh-tag`.
    pub tag: Option<Invertible<u16>>,
    /// `--srh-psid`: the previous segment.
    pub previous: Option<Invertible<SrhPrefix>>,
    /// `--srh-nsid`: the next segment.
    pub next: Option<Invertible<SrhPrefix>>,
    /// `--srh-lsid`: the last segment.
    pub last: Option<Invertible<SrhPrefix>>,
}

/// An address of which the first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SrhPrefix {
    /// The address as written.
    pub addr: Ipv6Addr,
    /// How many bits count.
    pub len: u8,
}

impl SrhPrefix {
    /// Whether `addr` begins with the same bits.
    pub fn contains(self, addr: Ipv6Addr) -> bool {
        let differ = self.addr.to_bits() ^ addr.to_bits();
        differ.leading_zeros() >= u32::from(self.len)
    }
}

impl fmt::Display for SrhPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.len)
    }
}

/// Comparisons of one field; all of them use the one value the kernel keeps. `Some(true)` is an inverted comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SrhNumber {
    /// What the field is compared with.
    pub value: u8,
    /// Equal.
    pub equal: Option<bool>,
    /// Above.
    pub greater: Option<bool>,
    /// Below.
    pub less: Option<bool>,
}

impl SrhNumber {
    /// Whether a field passes every comparison.
    pub fn matches(self, field: u8) -> bool {
        let holds = |test: Option<bool>, hit: bool| test.is_none_or(|inverted| hit != inverted);
        holds(self.equal, field == self.value)
            && holds(self.greater, field > self.value)
            && holds(self.less, field < self.value)
    }

    fn write(self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        for (op, test) in [("eq", self.equal), ("gt", self.greater), ("lt", self.less)] {
            if let Some(inverted) = test {
                write!(f, "{} --srh-{what}-{op} {}", bang(inverted), self.value)?;
            }
        }
        Ok(())
    }
}

fn write<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    test: Option<Invertible<T>>,
) -> fmt::Result {
    match test {
        Some(test) => write!(f, "{} --srh-{what} {}", test.bang(), test.value),
        None => Ok(()),
    }
}

impl fmt::Display for Srh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, "next-hdr", self.next_header)?;
        self.length.write(f, "hdr-len")?;
        self.segments_left.write(f, "segs-left")?;
        self.last_entry.write(f, "last-entry")?;
        write(f, "tag", self.tag)?;
        write(f, "psid", self.previous)?;
        write(f, "nsid", self.next)?;
        write(f, "lsid", self.last)
    }
}
