//! One capture, chunk by chunk.

use std::io::Read;

use crate::source::{self, Input};
use crate::stream::Stream;
use crate::{CaptureError, Chunk, Summary};

/// Bytes read at a time unless told otherwise: large enough for threads to share, small enough for a core's cache.
pub(crate) const CHUNK_SIZE: usize = 256 << 10;

/// Reads one capture.
pub struct CaptureReader {
    stream: Stream,
}

impl std::fmt::Debug for CaptureReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaptureReader")
            .field("summary", self.summary())
            .finish_non_exhaustive()
    }
}

impl CaptureReader {
    /// Opens an input, decompresses it if need be, and reads its file header.
    ///
    /// # Errors
    /// It cannot be opened or is no capture.
    pub fn open(input: &Input) -> Result<Self, CaptureError> {
        Self::open_as(input, 0, CHUNK_SIZE)
    }

    /// Reads a capture from anywhere; `name` is for messages.
    ///
    /// # Errors
    /// It cannot be read or is no capture.
    pub fn from_reader(
        name: &str,
        input: impl Read + Send + 'static,
    ) -> Result<Self, CaptureError> {
        let opened = source::open_reader(name, Box::new(input))?;
        Ok(Self {
            stream: Stream::new(name.to_owned(), opened, 0, CHUNK_SIZE),
        })
    }

    pub(crate) fn open_as(
        input: &Input,
        file: usize,
        chunk_size: usize,
    ) -> Result<Self, CaptureError> {
        let opened = source::open(input)?;
        Ok(Self {
            stream: Stream::new(input.name(), opened, file, chunk_size),
        })
    }

    /// Reads this many bytes at a time. The frames do not depend on it.
    #[must_use]
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.stream.set_chunk_size(bytes);
        self
    }

    /// The next chunk, or `None` at the end.
    ///
    /// # Errors
    /// The system cannot read on.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, CaptureError> {
        self.stream.next_chunk().map_err(|source| CaptureError::Io {
            name: self.stream.summary.name.clone(),
            action: "read",
            source,
        })
    }

    /// What is known so far; complete after the last chunk.
    pub fn summary(&self) -> &Summary {
        &self.stream.summary
    }

    /// What is known, without the reader.
    pub fn into_summary(self) -> Summary {
        self.stream.summary
    }
}

impl Iterator for CaptureReader {
    type Item = Result<Chunk, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_chunk().transpose()
    }
}
