//! What was said of the frames of a batch: of most packets hardly more than the number of the way that they took, of all
//! other frames a record.

use netverdict_capture::{Batch, Direction, Frame};
use netverdict_engine::{CtState, FlowId, NatView, Outcome, PathId, RuleRef, Transport};
use netverdict_net::{Device, Timestamp};
use netverdict_ruleset::Hook;

use crate::lane::blank;
use crate::quick::{Lot, Part, Quick};
use crate::record::{Cause, FrameRef};
use crate::{Fate, Record, Verdict};

/// What is said of every packet that took one remembered path. Such packets come in, each path's by one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Where its packets were captured.
    pub interface: Device,
    pub verdict: Verdict,
    pub fate: Fate,
    pub rule: Option<RuleRef>,
    pub cause: Option<Cause>,
    pub hook: Option<Hook>,
    pub state: Option<CtState>,
    pub in_device: Device,
    pub out_device: Device,
    pub mark: u32,
}

impl Way {
    pub(crate) fn of(outcome: &Outcome, interface: Device) -> Self {
        Self {
            interface,
            verdict: outcome.verdict.into(),
            fate: outcome.fate.into(),
            rule: outcome.decided_by.rule,
            cause: outcome.decided_by.reason.map(Cause::Kernel),
            hook: outcome.hook,
            state: outcome.state,
            in_device: outcome.in_device,
            out_device: outcome.out_device,
            mark: outcome.mark,
        }
    }
}

impl Record {
    /// What it has in common with other frames that were captured and fared alike.
    pub const fn way(&self) -> Way {
        Way {
            interface: self.interface,
            verdict: self.verdict,
            fate: self.fate,
            rule: self.rule,
            cause: self.cause,
            hook: self.hook,
            state: self.state,
            in_device: self.in_device,
            out_device: self.out_device,
            mark: self.mark,
        }
    }
}

/// A packet that took a way.
#[derive(Debug, Clone, Copy)]
pub struct Passage<'t> {
    /// Counted from 1 over the whole stream.
    pub position: u64,
    pub frame: FrameRef,
    pub time: Timestamp,
    /// The IP packet's length.
    pub len: u32,
    /// Its header as captured.
    pub transport: Transport,
    /// Its header as it leaves, where that is not as it came.
    pub after: Option<Transport>,
    pub flow: Option<FlowId>,
    pub way: &'t Way,
    /// The number of the way, from 0. A run of captures numbers its own.
    pub number: usize,
}

impl Passage<'_> {
    /// The same as a record.
    pub fn record(&self) -> Record {
        let before = self.transport;
        Record {
            position: self.position,
            len: self.len,
            transport: Some(before),
            verdict: self.way.verdict,
            fate: self.way.fate,
            rule: self.way.rule,
            cause: self.way.cause,
            hook: self.way.hook,
            state: self.way.state,
            flow: self.flow,
            nat: self.after.map(|after| NatView { before, after }),
            in_device: self.way.in_device,
            out_device: self.way.out_device,
            mark: self.way.mark,
            ..blank(self.frame, self.time, self.way.interface, Direction::In)
        }
    }
}

/// What was said of one frame.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'t> {
    /// It took a way that others took before.
    Passed(Passage<'t>),
    /// All that there is to say of it.
    Record(&'t Record),
}

/// What was said of some consecutive frames.
#[derive(Debug, Clone, Copy)]
pub struct Told<'t> {
    pub(crate) batch: &'t Batch,
    pub(crate) part: &'t Part,
    pub(crate) said: &'t Said,
    /// All ways so far.
    pub(crate) ways: &'t [Way],
    /// How many captures were read before those of the batch.
    pub(crate) files: usize,
    /// How many frames of the stream came before the batch.
    pub(crate) frames: u64,
}

impl<'t> Told<'t> {
    /// What was said of each frame, in stream order, with its place for [`Self::frame`].
    pub fn entries(self) -> impl Iterator<Item = (usize, Entry<'t>)> {
        let quick = self
            .part
            .lots
            .first()
            .into_iter()
            .flat_map(|lot| &lot.quick);
        let mut quick = quick
            .zip(&self.said.passes)
            .filter(|(_, pass)| pass.way != Pass::WALKED)
            .peekable();
        let mut records = self.said.records.iter().peekable();
        std::iter::from_fn(move || {
            let passes = quick.peek().map(|(quick, _)| quick.index);
            if let Some((index, record)) =
                records.next_if(|(index, _)| passes.is_none_or(|passes| *index < passes))
            {
                return Some((*index as usize, Entry::Record(record)));
            }
            let (quick, pass) = quick.next()?;
            let passage = self.passage(quick, pass)?;
            Some((quick.index as usize, Entry::Passed(passage)))
        })
    }

    /// How many frames.
    pub fn len(self) -> usize {
        self.said.passed + self.said.records.len()
    }

    /// Whether it is of none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The frame at a place.
    pub fn frame(self, place: usize) -> Option<Frame<'t>> {
        self.batch.frame(place)
    }

    fn passage(self, quick: &Quick, pass: &Pass) -> Option<Passage<'t>> {
        let index = quick.index as usize;
        let (file, number) = self.batch.number(index)?;
        Some(Passage {
            position: self.frames + index as u64 + 1,
            frame: FrameRef {
                file: self.files + file,
                number,
            },
            time: quick.time,
            len: quick.glance.packet_len(),
            transport: quick.glance.transport(),
            after: self.said.after(pass),
            flow: (pass.flow != 0).then_some(FlowId(pass.flow)),
            way: self.ways.get(pass.way as usize)?,
            number: pass.way as usize,
        })
    }
}

/// What was said of the frames of a part.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// One for each plain packet.
    passes: Vec<Pass>,
    /// How many of them passed.
    passed: usize,
    /// Headers of those that left otherwise than they came.
    afters: Vec<Transport>,
    /// The records of all others, with their places in the batch.
    records: Vec<(u32, Record)>,
}

/// How a plain packet fared.
#[derive(Debug, Clone, Copy)]
struct Pass {
    /// The number of its way.
    way: u32,
    /// The place of its header as it left, counted from 1; 0 for as it came.
    after: u32,
    /// 0 is none.
    flow: u64,
}

impl Pass {
    /// In place of a way: it has a record.
    const WALKED: u32 = u32::MAX;
}

impl Said {
    pub(crate) fn with_room(lot: &Lot) -> Self {
        Self {
            passes: Vec::with_capacity(lot.quick.len()),
            records: Vec::with_capacity(lot.others.len() + lot.quick.len() / 4),
            ..Self::default()
        }
    }

    /// A plain packet took a way.
    pub(crate) fn passed(&mut self, way: u32, flow: Option<FlowId>, after: Option<Transport>) {
        self.afters.extend(after);
        self.passed += 1;
        self.passes.push(Pass {
            way,
            after: after.map_or(0, |_| self.afters.len() as u32),
            flow: flow.map_or(0, |flow| flow.0),
        });
    }

    /// A plain packet had to walk.
    pub(crate) fn walked(&mut self, index: u32, record: Option<Record>) {
        self.passes.push(Pass {
            way: Pass::WALKED,
            after: 0,
            flow: 0,
        });
        self.records.extend(record.map(|record| (index, record)));
    }

    /// A frame is no plain packet.
    pub(crate) fn other(&mut self, index: u32, record: Record) {
        self.records.push((index, record));
    }

    /// The records, with their places in the batch.
    pub(crate) fn records_mut(&mut self) -> impl Iterator<Item = (u32, &mut Record)> {
        self.records
            .iter_mut()
            .map(|(index, record)| (*index, record))
    }

    fn after(&self, pass: &Pass) -> Option<Transport> {
        let place = (pass.after as usize).checked_sub(1)?;
        self.afters.get(place).copied()
    }
}

/// The ways of a run, numbered as they first come up.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// By path: its number, counted from 1; 0 is none yet.
    numbers: Vec<u32>,
    known: u32,
    /// Those that came up since they were last taken.
    fresh: Vec<Way>,
}

impl Ways {
    /// The number of the way of a path; `say` tells it where it is new.
    pub(crate) fn number(
        &mut self,
        path: PathId,
        say: impl FnOnce() -> Option<Way>,
    ) -> Option<u32> {
        let index = path.index();
        if self.numbers.len() <= index {
            self.numbers.resize(index + 1, 0);
        }
        let number = self.numbers.get_mut(index)?;
        if *number == 0 {
            self.fresh.push(say()?);
            self.known += 1;
            *number = self.known;
        }
        Some(*number - 1)
    }

    pub(crate) fn take_fresh(&mut self) -> Vec<Way> {
        std::mem::take(&mut self.fresh)
    }
}
