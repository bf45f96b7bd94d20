//! Records of a replay into what people and programs read: one module a format.
//!
//! [`Tally`] adds records up, [`Report`](model::Report) is the sum as a document, and the summary formats print it.
//! [`packets`] prints records one by one, [`counters`] and [`conntrack`] what the host holds in the end, [`trace`] one
//! packet's way.

mod assemble;
mod bytes;
mod flows;
mod palette;
mod paths;
mod sources;
mod tally;
mod timeline;

pub mod columns;
pub mod conntrack;
pub mod counters;
pub mod document;
pub mod extensions;
pub mod findings;
pub mod html;
pub mod json;
pub mod junit;
pub mod lcov;
pub mod markdown;
pub mod model;
pub mod names;
pub mod packets;
pub mod pcapng;
pub mod text;
pub mod trace;

pub use assemble::{Run, assemble, assumptions, capture, host};
pub use flows::Flows;
pub use palette::{Palette, Styled};
pub use paths::{Paths, Watcher};
pub use tally::Tally;
