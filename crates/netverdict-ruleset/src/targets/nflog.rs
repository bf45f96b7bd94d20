//! `-j NFLOG`: a copy for a logging program.

use std::fmt;

use crate::Quoted;

/// Hands a copy to the listeners of a group and goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nflog {
    /// `--nflog-prefix`, at most 63 bytes.
    pub prefix: String,
    /// `--nflog-group`.
    pub group: u16,
    /// How much of the packet is copied.
    pub copy: NflogCopy,
    /// `--nflog-threshold`: packets queued before a message goes out.
    pub threshold: u16,
}

/// `--nflog-size` and its predecessor, which never had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum NflogCopy {
    /// All of it.
    #[default]
    Whole,
    /// `--nflog-range`: printed, not applied.
    Range(u32),
    /// `--nflog-size`: bytes.
    Size(u32),
}

impl Nflog {
    /// The threshold that is not printed.
    pub const DEFAULT_THRESHOLD: u16 = 0;
}

impl fmt::Display for Nflog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.prefix.is_empty() {
            write!(f, " --nflog-prefix {}", Quoted(&self.prefix))?;
        }
        if self.group != 0 {
            write!(f, " --nflog-group {}", self.group)?;
        }
        match self.copy {
            NflogCopy::Whole | NflogCopy::Range(0) => {}
            NflogCopy::Range(bytes) => write!(f, " --nflog-range {bytes}")?,
            NflogCopy::Size(bytes) => write!(f, " --nflog-size {bytes}")?,
        }
        if self.threshold != Self::DEFAULT_THRESHOLD {
            write!(f, " --nflog-threshold {}", self.threshold)?;
        }
        Ok(())
    }
}
