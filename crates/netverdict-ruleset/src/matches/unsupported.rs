//! A match that nobody models: its text is kept, its outcome is unknown.

use std::fmt;

use crate::Quoted;

/// A match by name with its words as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The name behind `-m` or `-j`.
    pub name: String,
    /// The words that followed.
    pub args: Vec<String>,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for word in &self.args {
            let bare = word.starts_with('-') || word == "!";
            if bare {
                write!(f, " {word}")?;
            } else {
                write!(f, " {}", Quoted(word))?;
            }
        }
        Ok(())
    }
}
