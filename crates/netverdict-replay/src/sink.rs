//! Where records go.

use std::io;

use netverdict_capture::Frame;

use crate::told::Entry;
use crate::{Record, Told};

/// Takes records in stream order. What can be done for each alone is done in parallel by [`Sink::render`].
pub trait Sink: Send + Sync {
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

/// Takes what is said of many frames at a time, in stream order. What can be done for these alone is done in parallel by
/// [`Listing::render`].
pub trait Listing: Send + Sync {
    /// What is made of them before their turn comes.
    type Item: Send;
    /// Whether it looks at anything at all.
    const WANTS: bool = true;

    /// Makes their item; called on any thread, in any order.
    fn render(&self, told: Told<'_>) -> Self::Item;

    /// Takes them and their item, in stream order.
    ///
    /// # Errors
    /// Its output cannot be written.
    fn take(&mut self, told: Told<'_>, item: Self::Item) -> io::Result<()>;
}

/// Hands a sink one record after the other.
#[derive(Debug)]
pub struct Each<'s, S>(pub &'s mut S);

impl<S: Sink> Listing for Each<'_, S> {
    type Item = Vec<Option<S::Item>>;
    const WANTS: bool = S::WANTS;

    fn render(&self, told: Told<'_>) -> Self::Item {
        let items = told.entries().map(|(place, entry)| {
            let frame = told.frame(place)?;
            Some(match entry {
                Entry::Passed(passage) => self.0.render(&passage.record(), &frame),
                Entry::Record(record) => self.0.render(record, &frame),
            })
        });
        items.collect()
    }

    fn take(&mut self, told: Told<'_>, items: Self::Item) -> io::Result<()> {
        for ((_, entry), item) in told.entries().zip(items) {
            let Some(item) = item else {
                continue;
            };
            match entry {
                Entry::Passed(passage) => self.0.take(&passage.record(), item)?,
                Entry::Record(record) => self.0.take(record, item)?,
            }
        }
        Ok(())
    }
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
