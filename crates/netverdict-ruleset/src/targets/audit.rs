//! `-j AUDIT`: an audit record.

use std::fmt;

/// `--type`: writes an audit record and goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audit {
    Accept,
    Drop,
    Reject,
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => " --type accept",
            Self::Drop => " --type drop",
            Self::Reject => " --type reject",
        })
    }
}
