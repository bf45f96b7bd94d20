//! `-j SECMARK`: labels a packet for SELinux.

use std::fmt;

/// Sets the security label and goes on. mangle and security tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secmark {
    /// `--selctx`: the SELinux context.
    pub context: String,
}

impl fmt::Display for Secmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " --selctx {}", self.context)
    }
}
