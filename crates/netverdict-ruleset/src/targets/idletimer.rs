//! `-j IDLETIMER`: tells when an interface has been idle.

use std::fmt;

/// Restarts a named timer and goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idletimer {
    /// `--timeout`: seconds.
    pub timeout: u32,
    /// `--label`, at most 27 bytes.
    pub label: String,
    /// `--alarm`: the timer runs while the host sleeps.
    pub alarm: bool,
}

impl fmt::Display for Idletimer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --timeout {} --label {}", self.timeout, self.label)?;
        f.write_str(if self.alarm { " --alarm" } else { "" })
    }
}
