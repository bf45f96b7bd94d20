//! ipsets: named collections of addresses, networks, ports, MAC addresses, devices and other sets.
//!
//! `Display` of a [`SetDefinition`] is its `create` line, of a [`SetEntry`] within its set ([`SetDefinition::entry_text`])
//! an `add` line, as `ipset save` prints them.

mod definition;
mod element;
mod kind;

pub use definition::{EntryText, SetDefinition, SetFamily, SetOptions, SetRange};
pub use element::{EntryExtras, SetElement, SetEntry, SetNet, SetPort, SkbInfo};
pub use kind::SetKind;

/// The sets of a host, in the order they were created.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetCollection {
    /// The sets; names are unique.
    pub sets: Vec<SetDefinition>,
}

impl SetCollection {
    /// The set of this name.
    pub fn get(&self, name: &str) -> Option<&SetDefinition> {
        self.sets.iter().find(|set| set.name == name)
    }
}

/// All `create` and `add` lines.
impl std::fmt::Display for SetCollection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for set in &self.sets {
            writeln!(f, "{set}")?;
            for entry in &set.entries {
                writeln!(f, "{}", set.entry_text(entry))?;
            }
        }
        Ok(())
    }
}
