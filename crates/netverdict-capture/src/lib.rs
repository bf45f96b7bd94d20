//! pcap and pcapng, plain or compressed, into frames.
//!
//! [`Captures`] reads any number of captures as one stream of [`Batch`]es in time order; [`CaptureReader`] reads a single
//! one as [`Chunk`]s. Reading is sequential and only finds where each record lies; decoding a record into a [`Frame`] is
//! a pure function of its chunk, so that batches may be decoded on any number of threads.
//!
//! Damage never loses what was read before it: it ends the file with a [`Warning`] in its [`Summary`].

mod buffer;
mod chunk;
mod error;
mod format;
mod frame;
mod headers;
mod link;
mod link_type;
mod merge;
mod read_ahead;
mod reader;
mod source;
mod stream;
mod summary;

pub use chunk::{Bare, Chunk, Origin, Span};
pub use error::CaptureError;
pub use format::write::{FrameOut, InterfaceOut, PcapWriter, PcapngWriter, WriteError};
pub use frame::{Direction, Frame, Layer, Network, Position, SkipReason, Tag};
pub use link_type::LinkType;
pub use merge::{Batch, Captures};
pub use reader::CaptureReader;
pub use source::{Compression, Input, expand};
pub use summary::{Format, Interface, Oddity, Summary, Warning};
