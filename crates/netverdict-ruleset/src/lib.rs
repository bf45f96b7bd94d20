//! What a dump means: tables, chains, rules, matches and targets as values, and the text iptables-save prints for them.
//!
//! Pure values. Knows no text positions beyond a rule's line, reads nothing, evaluates nothing. `Display` of every type
//! is the canonical form of `iptables-legacy-save` 1.8.

mod chain;
mod hook;
mod rule;
mod save;
mod table;
mod value;
mod version;

pub mod fingerprints;
pub mod matches;
pub mod protocol;
pub mod sets;
pub mod targets;
pub mod text;
pub mod timeouts;

pub use chain::{Chain, ChainId, ChainKind, Policy};
pub use hook::{HOOK_ORDER, Hook, NatSide, TableAt, TableKind};
pub use matches::Match;
pub use rule::{Counters, FragmentTest, Rule, RuleId, RuleText};
pub use save::{Piece, Save, SaveCounters};
pub use table::{Backend, Ruleset, Table};
pub use targets::Target;
pub use value::{Interval, Invertible, MarkMask, Quoted, SideMask};
pub use version::{PortTests, Version};
