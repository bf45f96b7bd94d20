//! `-j SET`: adds to, deletes from, and reads ipsets.

use std::fmt;

use crate::matches::SetReference;

/// Changes sets by the packet, or the packet by a set's entry, and goes on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    /// `--add-set`.
    pub add: Option<SetReference>,
    /// `--exist`: an entry that is there gets its timeout renewed.
    pub exist: bool,
    /// `--timeout`: seconds for the added entry, instead of the set's default.
    pub timeout: Option<u32>,
    /// `--del-set`.
    pub delete: Option<SetReference>,
    /// `--map-set`: the entry's skbinfo goes to the packet. mangle table only.
    pub map: Option<SetReference>,
    /// `--map-mark`.
    pub map_mark: bool,
    /// `--map-prio`.
    pub map_priority: bool,
    /// `--map-queue`.
    pub map_queue: bool,
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(set) = &self.add {
            write!(f, " --add-set {set}")?;
        }
        f.write_str(if self.exist { " --exist" } else { "" })?;
        if let Some(timeout) = self.timeout {
            write!(f, " --timeout {timeout}")?;
        }
        if let Some(set) = &self.delete {
            write!(f, " --del-set {set}")?;
        }
        if let Some(set) = &self.map {
            write!(f, " --map-set {set}")?;
        }
        for (option, on) in [
            (" --map-mark", self.map_mark),
            (" --map-prio", self.map_priority),
            (" --map-queue", self.map_queue),
        ] {
            f.write_str(if on { option } else { "" })?;
        }
        Ok(())
    }
}
