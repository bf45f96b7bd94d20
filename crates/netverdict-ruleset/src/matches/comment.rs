//! `-m comment`: words for the reader.

use std::fmt;

use crate::Quoted;

/// Always true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// `--comment`, at most 255 bytes.
    pub text: String,
}

impl fmt::Display for Comment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --comment {}", Quoted(&self.text))
    }
}
