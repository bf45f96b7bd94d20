//! Captures through the engine: decoding and rendering in parallel, the engine in between on one thread, everything in
//! stream order.
//!
//! A [`Session`] is one host under replay. [`Session::run`] takes captures through it and hands a [`Record`] of every
//! frame to a [`Sink`]; the result never depends on the number of threads.

mod error;
mod evidence;
mod facts;
mod lane;
mod offload;
mod prepare;
mod quick;
mod record;
mod session;
mod setup;
mod sink;
mod survey;
mod told;
mod transport;

pub use error::ReplayError;
pub use record::{Cause, Contradiction, Ends, Evidence, Fate, FrameRef, Record, Verdict};
pub use session::{Lanes, Moment, Options, Progress, Ran, Session, Watch};
pub use setup::{OfFamily, Setup, Totals};
pub use sink::{Each, Listing, NullSink, Sink};
pub use survey::survey;
pub use told::{Entry, Passage, Told, Way};
pub use transport::has_ports;
