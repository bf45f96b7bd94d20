//! `-j CHECKSUM`: fills in an offloaded checksum.

use std::fmt;

/// `--checksum-fill`. mangle table only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checksum;

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(" --checksum-fill")
    }
}
