//! The decisions that netfilter's surroundings take: where a packet goes, what kind an address is, which source it gets.

mod address_type;
mod group;
mod input;
mod input6;
mod output;
mod reverse;
mod select;
mod validate;

pub use address_type::{AddressType, AddressTypes6};
pub use input::{DropReason, InputRoute, LocalKind};
pub use output::{OutputRoute, RouteKind, Way};
pub use reverse::ReversePath;
pub use select::SourceChoice;

#[cfg(test)]
mod tests;
