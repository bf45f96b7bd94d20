//! `-m string`: bytes anywhere in the packet.

use std::fmt;

use crate::Invertible;

/// Searches the packet's bytes for a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StringMatch {
    /// `--string` or `--hex-string`: 1..=128 bytes.
    pub pattern: Invertible<Vec<u8>>,
    /// `--algo`.
    pub algorithm: StringAlgorithm,
    /// `--from`: where the search starts, counted from the IP header.
    pub from: u16,
    /// `--to`: where the match must have ended.
    pub to: u16,
    /// `--icase`: case does not count.
    pub ignore_case: bool,
}

/// The search algorithm; they differ for packets in several buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StringAlgorithm {
    /// Boyer-Moore.
    Bm,
    /// Knuth-Morris-Pratt.
    Kmp,
}

impl fmt::Display for StringAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bm => "bm",
            Self::Kmp => "kmp",
        })
    }
}

fn needs_hex(pattern: &[u8]) -> bool {
    pattern.last() == Some(&b'\\') || !pattern.iter().all(|b| (b' '..=b'~').contains(b))
}

fn write_pattern(f: &mut fmt::Formatter<'_>, pattern: &[u8]) -> fmt::Result {
    if needs_hex(pattern) {
        f.write_str(" --hex-string \"|")?;
        pattern.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
        return f.write_str("|\"");
    }
    f.write_str(" --string \"")?;
    for byte in pattern {
        if matches!(byte, b'"' | b'\\') {
            f.write_str("\\")?;
        }
        write!(f, "{}", char::from(*byte))?;
    }
    f.write_str("\"")
}

impl fmt::Display for StringMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern.bang())?;
        write_pattern(f, &self.pattern.value)?;
        write!(f, " --algo {}", self.algorithm)?;
        if self.from != 0 {
            write!(f, " --from {}", self.from)?;
        }
        if self.to != u16::MAX {
            write!(f, " --to {}", self.to)?;
        }
        f.write_str(if self.ignore_case { " --icase" } else { "" })
    }
}
