//! A capture as chunks: reads bytes, finds the records in them, and keeps the cut-off rest for the next chunk.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::chunk::{Chunk, Port, Record, Span};
use crate::format::{Log, Step, Walker};
use crate::source::{Bytes, Opened};
use crate::summary::{Summary, Warning};

/// A capture being read.
pub(crate) struct Stream {
    input: Bytes,
    walker: Walker,
    file: usize,
    chunk_size: usize,
    /// Read but not yet walked.
    carry: Vec<u8>,
    /// Where `carry` begins in the file.
    offset: u64,
    /// Bytes without which the walk cannot go on.
    need: usize,
    ports: Arc<[Port]>,
    state: State,
    /// How many records the last chunk had: about as many as the next has.
    usual: usize,
    pub(crate) summary: Summary,
}

/// Whether more can come.
#[derive(Debug)]
enum State {
    /// More bytes may come.
    Open,
    /// The input gave its last byte.
    End,
    /// The input failed; what came before is still walked.
    Failed(io::Error),
    /// All was handed out.
    Done,
}

/// What a walk over the bytes at hand came to.
struct Walked {
    records: Vec<Record>,
    span: Option<Span>,
    /// The bytes walked over.
    walked: Range<usize>,
    stop: Stop,
}

/// Why a walk stopped.
enum Stop {
    /// It wants this many bytes from its end on.
    Need(usize),
    Malformed(String),
}

impl Stream {
    pub(crate) fn new(name: String, opened: Opened, file: usize, chunk_size: usize) -> Self {
        let mut summary = Summary::new(name, opened.format, opened.compression);
        summary.interfaces = opened.interfaces;
        let mut carry = opened.start;
        carry.drain(..opened.header);
        Self {
            input: opened.input,
            walker: opened.walker,
            file,
            chunk_size,
            carry,
            offset: opened.header as u64,
            need: 0,
            ports: Arc::default(),
            state: State::Open,
            usual: 0,
            summary,
        }
    }

    pub(crate) fn set_chunk_size(&mut self, bytes: usize) {
        self.chunk_size = bytes;
    }

    /// The next chunk; `None` at the end, when the summary is complete.
    ///
    /// # Errors
    /// The system cannot read on. All before was handed out.
    pub(crate) fn next_chunk(&mut self) -> io::Result<Option<Chunk>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(None),
                State::Failed(error) => return self.fail(error),
                state => self.state = state,
            }
            let (bytes, start) = self.fill();
            let walked = self.walk(&bytes, start);
            self.settle(&bytes, &walked);
            if let Some(span) = walked.span {
                return Ok(Some(self.chunk(bytes, walked.records, span)));
            }
        }
    }

    /// Reads until a chunk is full, or as far as the record in the way needs. The chunk's bytes, and where those begin that
    /// are yet to be walked.
    fn fill(&mut self) -> (Buffer, usize) {
        let carry = std::mem::take(&mut self.carry);
        if !matches!(self.state, State::Open) {
            return (carry.into(), 0);
        }
        match self.input.block(self.chunk_size, carry.len()) {
            Some(Ok(Some(block))) => return block.behind(&carry),
            Some(Ok(None)) => self.state = State::End,
            Some(Err(error)) => self.state = State::Failed(error),
            None => return (self.fill_up(carry).into(), 0),
        }
        (carry.into(), 0)
    }

    fn fill_up(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        // Room for a chunk only: a length in a record header is not believed before its bytes have come.
        bytes.reserve_exact(self.chunk_size.saturating_sub(bytes.len()));
        let full = self.chunk_size.max(self.need).max(bytes.len() + 1);
        let want = full - bytes.len();
        match self.input.append(&mut bytes, want) {
            Ok(read) if read < want => self.state = State::End,
            Ok(_) => {}
            Err(error) => self.state = State::Failed(error),
        }
        bytes
    }

    fn walk(&mut self, bytes: &[u8], start: usize) -> Walked {
        let first = self.summary.frames + 1;
        let mut records = Vec::with_capacity(self.usual);
        let mut end = start;
        let stop = loop {
            end = self.walker.run(bytes, end, &mut records);
            let mut log = Log {
                summary: &mut self.summary,
                frame: first + records.len() as u64,
            };
            if end == bytes.len() {
                break Stop::Need(0);
            }
            match self.walker.step(bytes, end, &mut log) {
                Step::Record { record, next } => {
                    records.push(record);
                    end = next;
                }
                Step::Other { next } => end = next,
                Step::Need(need) => break Stop::Need(need),
                Step::Malformed(what) => break Stop::Malformed(what),
            }
        };
        self.usual = records.len() + records.len() / 8;
        let span = Span::of(&records);
        if let Some(span) = &span {
            self.count(span, &records);
        }
        Walked {
            records,
            span,
            walked: start..end,
            stop,
        }
    }

    /// Keeps the rest, or says why there will be none.
    fn settle(&mut self, bytes: &[u8], Walked { walked, stop, .. }: &Walked) {
        let frame = self.summary.frames + 1;
        let offset = self.offset + walked.len() as u64;
        let rest = bytes.get(walked.end..).unwrap_or_default();
        match (stop, &self.state) {
            (Stop::Malformed(what), _) => {
                let what = what.clone();
                self.finish(Some(Warning::Malformed {
                    frame,
                    offset,
                    what,
                }));
            }
            (Stop::Need(need), State::Open) => {
                self.need = *need;
                self.carry = rest.to_vec();
                self.offset = offset;
            }
            (Stop::Need(_), State::Failed(_)) => self.offset = offset + rest.len() as u64,
            (Stop::Need(_), _) if !rest.is_empty() => {
                self.finish(Some(Warning::Cut { frame, offset }));
            }
            (Stop::Need(_), _) => self.finish(None),
        }
    }

    fn finish(&mut self, warning: Option<Warning>) {
        self.summary.warnings.extend(warning);
        self.summary.finish();
        self.state = State::Done;
    }

    /// A decompressor's failure is damage, any other the system's.
    fn fail(&mut self, error: io::Error) -> io::Result<Option<Chunk>> {
        if self.summary.compression.is_none() {
            self.finish(None);
            return Err(error);
        }
        let (error, offset) = (error.to_string(), self.offset);
        self.finish(Some(Warning::Compression { error, offset }));
        Ok(None)
    }

    fn count(&mut self, span: &Span, records: &[Record]) {
        let summary = &mut self.summary;
        summary.frames += records.len() as u64;
        for same in records.chunk_by(|a, b| a.interface == b.interface) {
            let interface = same.first().map_or(Record::NO_INTERFACE, |r| r.interface);
            let interface = summary.interfaces.get(interface as usize);
            let link_type = interface.map_or(crate::LinkType::UNKNOWN, |i| i.link_type);
            *summary.link_types.entry(link_type).or_default() += same.len() as u64;
        }
        summary.bytes += span.captured;
        summary.earliest = Some(
            summary
                .earliest
                .map_or(span.earliest, |e| e.min(span.earliest)),
        );
        summary.latest = summary.latest.max(Some(span.latest));
    }

    fn chunk(&mut self, bytes: Buffer, records: Vec<Record>, span: Span) -> Chunk {
        if self.ports.len() != self.summary.interfaces.len() {
            self.ports = self.summary.interfaces.iter().map(Port::of).collect();
        }
        Chunk {
            file: self.file,
            first: self.summary.frames + 1 - records.len() as u64,
            bytes,
            records,
            span,
            ports: Arc::clone(&self.ports),
        }
    }
}
