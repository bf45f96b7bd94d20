//! The same captures on two hosts: which packets and flows change, grouped by cause, and which rules gain or lose all
//! their traffic.
//!
//! [`compare`] takes both hosts through the captures at the same time, packet by packet; what it keeps is bounded by the
//! number of flows that change. A [`document::Diff`] is the result as every format prints it.

mod aspect;
mod causes;
mod compare;
mod document;
mod junit;
mod markdown;
mod rules;
mod seen;
mod text;

pub use aspect::{Aspect, Aspects};
pub use compare::{CompareError, Compared, Pair, compare};
pub use document::{Diff, SCHEMA, assemble, schema, write_json};
pub use junit::junit;
pub use markdown::Markdown;
pub use text::Text;
