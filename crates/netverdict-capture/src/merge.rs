//! Several captures as one stream, merged by time as `mergecap` does: always the earliest of the captures' next frames.
//!
//! Frames of one capture keep their order even where its times go back; at equal times the capture named first goes
//! first.

use std::sync::Arc;

use netverdict_net::Timestamp;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::reader::{CHUNK_SIZE, CaptureReader};
use crate::{Bare, CaptureError, Chunk, Frame, Input, Span, Summary};

/// Frames of a merged batch.
const BATCH: usize = 8192;
/// Captures kept open while the stream has not reached them; further ones are closed and opened again, so that a
/// directory of thousands is read with few files open.
const KEPT_OPEN: usize = 16;

/// An ordered piece of the stream.
#[derive(Debug, Clone)]
pub struct Batch {
    chunks: Vec<Arc<Chunk>>,
    /// Chunk and frame in it, in stream order; `None` for all of the one chunk.
    picks: Option<Vec<(u32, u32)>>,
}

impl Batch {
    /// How many frames; never 0.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a batch without frames is not handed out"
    )]
    pub fn len(&self) -> usize {
        match (&self.picks, self.chunks.first()) {
            (Some(picks), _) => picks.len(),
            (None, chunk) => chunk.map_or(0, |c| c.len()),
        }
    }

    /// What all of its frames come to, where that is known: if they are consecutive frames of one capture.
    pub fn span(&self) -> Option<Span> {
        match (&self.picks, self.chunks.as_slice()) {
            (None, [chunk]) => Some(chunk.span),
            _ => None,
        }
    }

    /// Decodes frame `index`, counted from 0 in stream order.
    pub fn frame(&self, index: usize) -> Option<Frame<'_>> {
        let (chunk, index) = self.place(index)?;
        chunk.frame(index)
    }

    /// The captured bytes of frame `index`: [`Frame::data`], without decoding it.
    pub fn data(&self, index: usize) -> Option<&[u8]> {
        let (chunk, index) = self.place(index)?;
        chunk.data(index)
    }

    /// Which capture frame `index` is from, and its number there: [`Frame::file`] and [`Frame::number`].
    pub fn number(&self, index: usize) -> Option<(usize, u64)> {
        let (chunk, index) = self.place(index)?;
        Some(chunk.number(index))
    }

    /// Frame `index`, if it is an Ethernet frame with an IP packet right behind its header.
    #[expect(
        clippy::inline_always,
        reason = "what is found is used where it is, not written down first"
    )]
    #[inline(always)]
    pub fn bare(&self, index: usize) -> Option<Bare<'_>> {
        let (chunk, index) = self.place(index)?;
        chunk.bare(index)
    }

    /// The time of frame `index` and how much of it was captured, without decoding it.
    pub fn extent(&self, index: usize) -> Option<(Timestamp, u32)> {
        let (chunk, index) = self.place(index)?;
        chunk.extent(index)
    }

    #[inline]
    fn place(&self, index: usize) -> Option<(&Chunk, usize)> {
        match &self.picks {
            None => Some((self.chunks.first()?, index)),
            Some(picks) => {
                let (chunk, frame) = *picks.get(index)?;
                Some((self.chunks.get(chunk as usize)?, frame as usize))
            }
        }
    }

    /// Decodes all frames in stream order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        (0..self.len()).filter_map(|index| self.frame(index))
    }

    /// Decodes all frames on rayon's threads; collecting keeps stream order.
    pub fn par_frames(&self) -> impl IndexedParallelIterator<Item = Option<Frame<'_>>> {
        (0..self.len())
            .into_par_iter()
            .map(|index| self.frame(index))
    }
}

/// Reads captures as one stream.
#[derive(Debug)]
pub struct Captures {
    files: Vec<File>,
}

/// One of the captures.
#[derive(Debug)]
struct File {
    input: Input,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Its first frame's time is known; it is closed until the stream reaches it.
    Waiting { first: Timestamp, summary: Summary },
    /// Being read.
    Open(Box<Head>),
    /// Read to its end.
    Done(Summary),
}

/// A capture's next frame.
#[derive(Debug)]
struct Head {
    reader: CaptureReader,
    chunk: Arc<Chunk>,
    next: usize,
    time: Timestamp,
}

impl Captures {
    /// Opens all inputs, in this order. [`expand`](crate::expand) resolves directories before.
    ///
    /// # Errors
    /// One of them cannot be opened, is no capture, or cannot be read up to its first frame.
    pub fn open(inputs: &[Input]) -> Result<Self, CaptureError> {
        let files = inputs.iter().enumerate().map(|(index, input)| {
            let state = State::open(input, index)?;
            let must_stay = index < KEPT_OPEN || *input == Input::Stdin;
            Ok(File {
                input: input.clone(),
                state: if must_stay { state } else { state.close() },
            })
        });
        Ok(Self {
            files: files.collect::<Result<_, CaptureError>>()?,
        })
    }

    /// What is known of each capture; complete when the stream has ended.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Summary> {
        self.files.iter().map(|file| match &file.state {
            State::Waiting { summary, .. } | State::Done(summary) => summary,
            State::Open(head) => head.reader.summary(),
        })
    }

    /// The next batch, or `None` at the end.
    ///
    /// # Errors
    /// The system cannot read on, or a capture has gone since it was first opened.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, CaptureError> {
        match self.files.as_mut_slice() {
            [only] => only.whole_chunk(),
            files => merged(files),
        }
    }
}

impl Iterator for Captures {
    type Item = Result<Batch, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

impl State {
    fn open(input: &Input, file: usize) -> Result<Self, CaptureError> {
        let mut reader = CaptureReader::open_as(input, file, CHUNK_SIZE)?;
        Ok(match reader.next_chunk()? {
            Some(chunk) => Self::Open(Box::new(Head::new(reader, chunk))),
            None => Self::Done(reader.into_summary()),
        })
    }

    fn close(self) -> Self {
        match self {
            Self::Open(head) => Self::Waiting {
                first: head.time,
                summary: head.reader.into_summary(),
            },
            other => other,
        }
    }

    /// The time of the next frame.
    fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Waiting { first, .. } => Some(*first),
            Self::Open(head) => Some(head.time),
            Self::Done(_) => None,
        }
    }
}

impl File {
    /// The head, opened again if need be.
    fn head(&mut self, file: usize) -> Result<Option<&mut Head>, CaptureError> {
        if matches!(self.state, State::Waiting { .. }) {
            self.state = State::open(&self.input, file)?;
        }
        Ok(match &mut self.state {
            State::Open(head) => Some(head),
            _ => None,
        })
    }

    /// Puts the next chunk in place of a used-up one.
    fn advance(&mut self) -> Result<(), CaptureError> {
        let State::Open(head) = &mut self.state else {
            return Ok(());
        };
        match head.reader.next_chunk()? {
            Some(chunk) => head.replace(chunk),
            None => self.state = State::Done(head.reader.summary().clone()),
        }
        Ok(())
    }

    /// All frames of the next chunk. It is read only now: who has one is done with those before.
    fn whole_chunk(&mut self) -> Result<Option<Batch>, CaptureError> {
        if let State::Open(head) = &self.state
            && head.next != 0
        {
            self.advance()?;
        }
        let State::Open(head) = &mut self.state else {
            return Ok(None);
        };
        head.next = head.chunk.len();
        Ok(Some(Batch {
            chunks: vec![Arc::clone(&head.chunk)],
            picks: None,
        }))
    }
}

impl Head {
    fn new(reader: CaptureReader, chunk: Chunk) -> Self {
        let time = chunk.time(0).unwrap_or_default();
        Self {
            reader,
            chunk: Arc::new(chunk),
            next: 0,
            time,
        }
    }

    fn replace(&mut self, chunk: Chunk) {
        self.time = chunk.time(0).unwrap_or_default();
        self.chunk = Arc::new(chunk);
        self.next = 0;
    }

    /// Takes frames up to `room` while the head is before `other`; false when the chunk is used up.
    fn take(
        &mut self,
        file: usize,
        other: Option<Place>,
        room: usize,
    ) -> (std::ops::Range<u32>, bool) {
        let start = self.next;
        while self.next - start < room && other.is_none_or(|other| (self.time, file) < other) {
            self.next += 1;
            match self.chunk.time(self.next) {
                Some(time) => self.time = time,
                None => return (start as u32..self.next as u32, false),
            }
        }
        (start as u32..self.next as u32, true)
    }
}

/// Where a capture's next frame comes in the stream: by time, then by capture.
type Place = (Timestamp, usize);

/// The earliest head and the one after it.
fn earliest(files: &[File]) -> (Option<Place>, Option<Place>) {
    let heads = files.iter().enumerate();
    let mut heads = heads.filter_map(|(index, file)| Some((file.state.time()?, index)));
    let (mut first, mut second) = (heads.next(), None);
    for head in heads {
        if first.is_none_or(|first| head < first) {
            (first, second) = (Some(head), first);
        } else if second.is_none_or(|second| head < second) {
            second = Some(head);
        }
    }
    (first, second)
}

fn merged(files: &mut [File]) -> Result<Option<Batch>, CaptureError> {
    let mut chunks: Vec<Arc<Chunk>> = Vec::new();
    let mut picks = Vec::new();
    while picks.len() < BATCH {
        let (Some((_, index)), other) = earliest(files) else {
            break;
        };
        let Some(file) = files.get_mut(index) else {
            break;
        };
        let Some(head) = file.head(index)? else {
            continue;
        };
        let slot = chunks.iter().position(|c| Arc::ptr_eq(c, &head.chunk));
        let slot = slot.unwrap_or_else(|| {
            chunks.push(Arc::clone(&head.chunk));
            chunks.len() - 1
        });
        let (taken, is_more) = head.take(index, other, BATCH - picks.len());
        picks.extend(taken.map(|frame| (slot as u32, frame)));
        if !is_more {
            file.advance()?;
        }
    }
    let is_end = picks.is_empty();
    Ok((!is_end).then_some(Batch {
        chunks,
        picks: Some(picks),
    }))
}
