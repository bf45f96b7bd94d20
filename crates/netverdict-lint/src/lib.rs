//! What is wrong with a ruleset, found without any traffic.
//!
//! [`lint`] reviews a [`Subject`]: dead rules by exact set algebra over header fields (one module: `algebra`, followed
//! through the chains by `reach`), risky ones by the checks of `checks`, one file each. The crate also owns what every
//! finding is made of, [`Finding`], the [`catalogue`] of their kinds, and how they are silenced, [`allow`].

mod algebra;
mod checks;
mod cover;
mod effects;
mod finding;
mod names;
mod reach;
mod same;
mod subject;

pub mod allow;
pub mod catalogue;

pub use catalogue::{CATALOGUE, Check};
pub use checks::{Dead, Review, lint};
pub use finding::{Allowed, Finding, Part, Place, Related, Severity, Witness, settle};
pub use subject::{Dump, Subject};
