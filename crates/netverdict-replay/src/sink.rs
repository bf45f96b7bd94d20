//! Where records go.

use std::io;

use netverdict_capture::Frame;

use crate::Record;

/// Takes records in stream order. What can be done for each alone is done in parallel by [`Sink::render`].
pub trait Sink: Sync {
    /// What is made of a record before its turn comes.
    type Item: Send;
    /// Whether it looks at records at all; else none are made.
    const WANTS: bool = true;

    /// Makes a record's item; called on any thread, in any order.
    fn render(&self, record: &Record, frame: &Frame<'_>) -> Self::Item;

    /// Takes a record and its item, in stream order.
    ///
    /// # Errors
    /// Its output cannot be written.
    fn take(&mut self, record: &Record, item: Self::Item) -> io::Result<()>;
}

/// Takes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullSink;

impl Sink for NullSink {
    type Item = ();
    const WANTS: bool = false;

    fn render(&self, _: &Record, _: &Frame<'_>) {}

    fn take(&mut self, _: &Record, (): ()) -> io::Result<()> {
        Ok(())
    }
}
