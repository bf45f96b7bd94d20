//! `-m recent`: lists of addresses that were seen, shared by all rules that use the same name.

use std::fmt;

use crate::SideMask;
use crate::value::bang;

/// Looks an address up in a named list and perhaps writes it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent {
    /// Whether `!` was given.
    pub inverted: bool,
    /// What is done.
    pub action: RecentAction,
    /// `--seconds`: only stamps this young count; 0 if not given.
    pub seconds: u32,
    /// `--reap`: drop entries older than `seconds`.
    pub reap: bool,
    /// `--hitcount`: at least so many stamps; 0 if not given.
    pub hitcount: u32,
    /// `--rttl`: the time to live must be the stored one.
    pub rttl: bool,
    /// `--name`: the list.
    pub name: String,
    /// `--mask`: which address bits count.
    pub mask: SideMask,
    /// `--rdest` (`true`) or `--rsource`.
    pub by_destination: bool,
}

/// The four actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecentAction {
    /// `--set`: add or stamp the address.
    Set,
    /// `--rcheck`: look it up.
    Check,
    /// `--update`: look it up and stamp it on success.
    Update,
    /// `--remove`: look it up and remove it.
    Remove,
}

impl RecentAction {
    /// The option's name.
    pub const fn option(self) -> &'static str {
        match self {
            Self::Set => "--set",
            Self::Check => "--rcheck",
            Self::Update => "--update",
            Self::Remove => "--remove",
        }
    }
}

impl fmt::Display for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", bang(self.inverted), self.action.option())?;
        if self.seconds != 0 {
            write!(f, " --seconds {}", self.seconds)?;
        }
        f.write_str(if self.reap { " --reap" } else { "" })?;
        if self.hitcount != 0 {
            write!(f, " --hitcount {}", self.hitcount)?;
        }
        f.write_str(if self.rttl { " --rttl" } else { "" })?;
        let side = if self.by_destination {
            "--rdest"
        } else {
            "--rsource"
        };
        write!(f, " --name {} --mask {} {side}", self.name, self.mask)
    }
}
