//! Small values that many matches and targets are made of.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::AddrMask;

/// A test that `!` may turn round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Invertible<T> {
    /// Whether `!` was given.
    pub inverted: bool,
    /// What is tested for.
    pub value: T,
}

impl<T> Invertible<T> {
    /// Without `!`.
    pub const fn plain(value: T) -> Self {
        Self {
            inverted: false,
            value,
        }
    }

    /// With `!`.
    pub const fn inverted(value: T) -> Self {
        Self {
            inverted: true,
            value,
        }
    }

    /// Tests `hit` of the value, turned round by `!`.
    pub fn test(&self, hit: impl FnOnce(&T) -> bool) -> bool {
        hit(&self.value) != self.inverted
    }

    /// The blank and `!` before an option, or nothing.
    pub(crate) const fn bang(&self) -> &'static str {
        bang(self.inverted)
    }
}

impl<T: Default> Default for Invertible<T> {
    fn default() -> Self {
        Self::plain(T::default())
    }
}

/// ` !` or nothing.
pub(crate) const fn bang(inverted: bool) -> &'static str {
    if inverted { " !" } else { "" }
}

/// An inclusive range. `first` may be above `last`: then nothing lies within, as in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval<T> {
    /// Lowest value.
    pub first: T,
    /// Highest value.
    pub last: T,
}

impl<T: Copy + PartialOrd> Interval<T> {
    /// One value.
    pub const fn single(value: T) -> Self {
        Self {
            first: value,
            last: value,
        }
    }

    /// Whether `value` lies within.
    pub fn contains(&self, value: T) -> bool {
        self.first <= value && value <= self.last
    }
}

impl Interval<u32> {
    /// Every value.
    pub const ANY: Self = Self {
        first: 0,
        last: u32::MAX,
    };
}

impl Interval<u8> {
    /// Every value.
    pub const ANY: Self = Self {
        first: 0,
        last: u8::MAX,
    };
}

/// `7` or `7:9`.
impl<T: fmt::Display + PartialEq> fmt::Display for Interval<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            self.first.fmt(f)
        } else {
            write!(f, "{}:{}", self.first, self.last)
        }
    }
}

/// A value under a mask, as marks, groups and realms have it. The value may have bits outside the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MarkMask {
    /// The value.
    pub value: u32,
    /// Which bits count.
    pub mask: u32,
}

impl MarkMask {
    /// Whether `mark` under the mask equals the value.
    pub const fn matches(self, mark: u32) -> bool {
        mark & self.mask == self.value
    }
}

/// `0x1` under the full mask, else `0x1/0xff`.
impl fmt::Display for MarkMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.value)?;
        if self.mask != u32::MAX {
            write!(f, "/{:#x}", self.mask)?;
        }
        Ok(())
    }
}

/// A value whose 0 has a name in the file that distributions ship.
pub(crate) struct Named(pub(crate) MarkMask, pub(crate) &'static str);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            MarkMask {
                value: 0,
                mask: u32::MAX,
            } => f.write_str(self.1),
            value => value.fmt(f),
        }
    }
}

/// A netmask that is printed as an address (`--mask 255.255.255.0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SideMask(pub IpAddr);

impl SideMask {
    /// The masked address; an address of the other family is left alone.
    pub fn apply(self, addr: IpAddr) -> IpAddr {
        match (self.0, addr) {
            (IpAddr::V4(mask), IpAddr::V4(addr)) => (mask & addr).into(),
            (IpAddr::V6(mask), IpAddr::V6(addr)) => (mask & addr).into(),
            (_, addr) => addr,
        }
    }
}

impl fmt::Display for SideMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address with its mask, which is left out if it is full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostOrNet(pub(crate) AddrMask);

impl fmt::Display for HostOrNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == Some(self.0.family().bits()) {
            write!(f, "{}", self.0.addr())
        } else {
            self.0.fmt(f)
        }
    }
}

/// A text as libxtables saves it: bare if it is a word, else in double quotes with `"`, `\` and `'` escaped.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !self.0.is_empty() && self.0.bytes().all(plain) {
            return f.write_str(self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\' | '\'') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

/// Writes `items` with `separator` between them.
pub(crate) fn join<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    separator: &str,
) -> fmt::Result {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}
