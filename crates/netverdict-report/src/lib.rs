//! Records of a replay into what people and programs read: one module a format.
//!
//! [`Tally`] adds records up, [`Report`](model::Report) is the sum as a document, and the summary formats print it.
//! [`packets`] prints records one by one, [`counters`] and [`conntrack`] what the host holds in the end, [`trace`] one
//! packet's way.

mod assemble;
mod columns;
mod names;
mod palette;
mod tally;

pub mod conntrack;
pub mod counters;
pub mod json;
pub mod markdown;
pub mod model;
pub mod packets;
pub mod text;
pub mod trace;

pub use assemble::{Run, assemble};
pub use palette::Palette;
pub use tally::Tally;
