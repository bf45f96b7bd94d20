//! `-m osf`: the operating system that a TCP SYN looks like.

use std::fmt;

use crate::Invertible;

/// Compares a SYN with loaded fingerprints. Needs `-p tcp`. The kernel does not look at `!`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Osf {
    /// `--genre`.
    pub genre: Invertible<String>,
    /// `--ttl`: 0 true TTL, 1 not above the fingerprint's, 2 any.
    pub ttl: Option<u32>,
    /// `--log`: 0 all, 1 the first, 2 none.
    pub log: Option<u32>,
}

impl fmt::Display for Osf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --genre {}", self.genre.bang(), self.genre.value)?;
        if let Some(ttl) = self.ttl {
            write!(f, " --ttl {ttl}")?;
        }
        if let Some(log) = self.log {
            write!(f, " --log {log}")?;
        }
        Ok(())
    }
}
