//! One host under replay.

use netverdict_bundle::{Survey, Surveyor};
use netverdict_capture::{Batch, Direction, Summary};
use netverdict_engine::{ConnectionView, Engine, Entry, Input, Observer, Outcome};
use netverdict_host::keys;
use netverdict_net::Timestamp;

use crate::evidence::Sighting;
use crate::lane::{Lane, blank};
use crate::record::FrameRef;
use crate::{Record, ReplayError, Setup, Totals};

mod counted;
mod listed;

/// What a replay does beside following packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// A packet that meets an undecidable match is an error.
    pub fail_on_unknown: bool,
    /// Counters begin with those of the dumps.
    pub keep_counters: bool,
    /// Stops after so many frames of the stream.
    pub until: Option<u64>,
    /// Stops before the first frame that is later than this.
    pub at: Option<Moment>,
    /// Surveys the captures as they are listed.
    pub surveys: bool,
}

/// A moment of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A time.
    Time(Timestamp),
    /// So many nanoseconds after the stream's first frame.
    After(i64),
}

/// How far a replay has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Frames done.
    pub frames: u64,
    /// Captured bytes of these frames.
    pub bytes: u64,
}

/// How a session that only counts shares its work out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lanes {
    /// One engine for all, whatever comes.
    One,
    /// So many engines, if the rules let traffic be split, and none that looks for what continues what.
    Many(usize),
}

/// How a session that only counts ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// All was counted.
    Whole,
    /// Something came up that shares of the traffic have in common, or that goes out: [`Lanes::One`] is needed.
    Coupled,
}

/// Wants to see every step of some packets.
pub trait Watch: Send {
    /// Who is to see the steps of the packet at this position of the stream, if anyone.
    fn observer(&mut self, position: u64) -> Option<&mut dyn Observer>;

    /// Whether it may want to see any.
    fn is_watching(&self) -> bool {
        true
    }
}

/// Watches nothing.
impl Watch for () {
    fn observer(&mut self, _: u64) -> Option<&mut dyn Observer> {
        None
    }

    fn is_watching(&self) -> bool {
        false
    }
}

/// One host under replay: an engine, the predictions whose continuation may still come, and the clock.
#[derive(Debug)]
pub struct Session<'s> {
    setup: &'s Setup,
    options: Options,
    lane: Lane<'s>,
    /// The other shares of split traffic.
    beside: Vec<Lane<'s>>,
    /// When time begins for all of them.
    boot: Option<Timestamp>,
    /// What is odd about the connections that it began with.
    odd: Vec<String>,
    position: u64,
    bytes: u64,
    latest: Option<Timestamp>,
    /// The time of the first frame.
    first: Option<Timestamp>,
    /// Whether a frame was later than the moment at which to stop.
    is_past: bool,
    backwards: Option<Backwards>,
    /// What engines before this one counted.
    totals: Totals,
    captures: Vec<Summary>,
    /// What listed captures show of the host.
    surveyor: Surveyor,
}

/// Frames whose time is before that of one before them.
#[derive(Debug, Clone, Copy)]
struct Backwards {
    first: FrameRef,
    frames: u64,
}

impl<'s> Session<'s> {
    /// A fresh host.
    pub fn new(setup: &'s Setup, options: Options) -> Self {
        let (lane, odd) = Lane::new(setup);
        Self {
            setup,
            options,
            lane,
            beside: Vec::new(),
            boot: None,
            odd,
            position: 0,
            bytes: 0,
            latest: None,
            first: None,
            is_past: false,
            backwards: None,
            totals: Totals::new(&setup.rulesets, options.keep_counters),
            captures: Vec::new(),
            surveyor: Surveyor::default(),
        }
    }

    /// Replaces the host by a fresh one; counters go on from where they are.
    pub fn restart(&mut self) {
        self.totals = self.totals();
        self.beside.clear();
        self.boot = None;
        let next = Lane::new(self.setup).0;
        self.lane = next.after(&self.lane);
        self.latest = None;
        self.first = None;
        self.is_past = false;
    }

    /// Goes on where a session of later captures ended, which had a fresh host and kept no counters: as if this one had
    /// been [restarted](Self::restart) and had replayed them.
    pub fn follow_with(&mut self, later: Self) {
        self.totals = self.totals();
        self.totals.add_all(&later.totals);
        self.beside = later.beside;
        self.boot = later.boot;
        let shift = |frame: FrameRef| FrameRef {
            file: frame.file + self.captures.len(),
            ..frame
        };
        self.backwards = match (self.backwards, later.backwards) {
            (Some(mine), Some(more)) => Some(Backwards {
                frames: mine.frames + more.frames,
                ..mine
            }),
            (mine, more) => mine.or(more.map(|more| Backwards {
                first: shift(more.first),
                ..more
            })),
        };
        self.position += later.position;
        self.bytes += later.bytes;
        self.lane = later.lane.after(&self.lane);
        self.latest = later.latest;
        self.first = later.first;
        self.is_past = later.is_past;
        self.captures.extend(later.captures);
    }

    /// Looks at the times of a batch; whether none goes back.
    fn tell_times(&mut self, batch: &Batch, files: &Files) -> bool {
        if let Some(span) = batch.span()
            && span.is_straight
            && self.latest.is_none_or(|latest| latest <= span.first)
        {
            self.first.get_or_insert(span.first);
            self.position += batch.len() as u64;
            self.bytes += span.captured;
            self.latest = Some(span.latest);
            return true;
        }
        let mut is_straight = true;
        for index in 0..batch.len() {
            let Some((time, captured)) = batch.extent(index) else {
                break;
            };
            self.first.get_or_insert(time);
            self.position += 1;
            self.bytes += u64::from(captured);
            if self.latest.is_some_and(|latest| time < latest)
                && let Some(frame) = batch.frame(index)
            {
                let place = FrameRef {
                    file: files.before + frame.file,
                    number: frame.number,
                };
                self.tell_time(time, place);
                is_straight = false;
            } else {
                self.latest = Some(time);
            }
        }
        is_straight
    }

    /// Takes a packet that nobody captured through the host.
    pub fn send(&mut self, input: Input<'_>, observer: &mut dyn Observer) -> (Record, Outcome) {
        self.position += 1;
        let (device, direction) = match input.entry {
            Entry::Prerouting { in_device } => (in_device, Direction::In),
            Entry::Output { out_device } => (out_device, Direction::Out),
        };
        let sighting = Sighting::of(&input.packet, Some(direction));
        let frame = FrameRef {
            file: self.captures.len(),
            number: self.position,
        };
        let mut record = blank(frame, input.time, device, direction);
        record.position = self.position;
        record.len = input.packet.len() as u32;
        record.transport = Some(sighting.transport);
        let outcome = self.lane.engine.step(input, observer);
        self.lane.decide(&mut record, &outcome);
        (record, outcome)
    }

    /// The time of the latest packet.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// What every rule counted.
    pub fn totals(&self) -> Totals {
        let mut totals = self.totals.clone();
        let lanes = std::iter::once(&self.lane).chain(&self.beside);
        lanes.for_each(|lane| totals.add(&lane.engine));
        totals
    }

    /// What every rule counted, of a session at its end.
    pub fn take_totals(&mut self) -> Totals {
        let mut totals = std::mem::replace(&mut self.totals, Totals::NONE);
        let lanes = std::iter::once(&self.lane).chain(&self.beside);
        lanes.for_each(|lane| totals.add(&lane.engine));
        totals
    }

    /// The host as it is now.
    pub fn engine(&self) -> &Engine {
        &self.lane.engine
    }

    /// The connection table at [`Options::at`], else at the time of the latest packet.
    pub fn connections(&self) -> Vec<ConnectionView> {
        match self.moment() {
            Some(at) => self.lane.engine.connections_at(at),
            None => self.lane.engine.connections(),
        }
    }

    /// The time at which to stop, once the first frame is known.
    fn moment(&self) -> Option<Timestamp> {
        match self.options.at? {
            Moment::Time(time) => Some(time),
            Moment::After(nanoseconds) => self.first.map(|first| first + nanoseconds),
        }
    }

    /// The captures read, in order; [`FrameRef::file`] counts them from 0.
    pub fn captures(&self) -> &[Summary] {
        &self.captures
    }

    /// What the captures listed so far show of the host, if it [was asked for](Options::surveys).
    pub fn take_survey(&mut self) -> Survey {
        std::mem::take(&mut self.surveyor).finish()
    }

    /// What was odd about the stream as a whole.
    pub fn warnings(&self) -> Vec<String> {
        let backwards = self.backwards.map(|Backwards { first, frames }| {
            let file = self.captures.get(first.file).map_or("?", |c| c.name.as_str());
            let (count, are) = if frames == 1 { ("1 frame".to_owned(), "is") } else { (format!("{frames} frames"), "are") };
            format!(
                "{count} {are} earlier than a frame before, the first is frame {} of {file}: for the model time stands still \
                 until the latest is reached",
                first.number
            )
        });
        let full = self.lane.engine.was_conntrack_full().then(|| self.full());
        backwards
            .into_iter()
            .chain(self.odd.clone())
            .chain(full)
            .collect()
    }

    /// What a full connection table means to whoever reads the report.
    fn full(&self) -> String {
        let key = keys::CONNTRACK_MAX;
        let sysctls = self.setup.inferred.host.sysctls();
        let max = sysctls.get(key);
        let source = if sysctls.is_given(key.path) {
            "as the host has it"
        } else {
            "taken for it, as on a host of more than 4 GiB, since no sysctl tells"
        };
        format!(
            "the connection table was full (net.netfilter.nf_conntrack_max is {max}, {source}; --set \
             net.netfilter.nf_conntrack_max=N): which connection the kernel gives up for a new one depends on its hash's secret, \
             the oldest that is not assured is taken for it"
        )
    }

    fn is_done(&self) -> bool {
        let until = self.options.until;
        self.is_past || until.is_some_and(|until| self.position >= until)
    }

    fn tell_time(&mut self, time: Timestamp, frame: FrameRef) {
        if self.latest.is_some_and(|latest| time < latest) {
            let backwards = self.backwards.get_or_insert(Backwards {
                first: frame,
                frames: 0,
            });
            backwards.frames += 1;
        }
        self.latest = self.latest.max(Some(time));
    }

    fn refuse_unknown(&self, record: &Record, files: &Files) -> Result<(), ReplayError> {
        match record.unknowns.first() {
            Some(unknown) if self.options.fail_on_unknown && record.evidence.is_none() => {
                Err(ReplayError::Undecided {
                    capture: files.name(record.frame.file).to_owned(),
                    number: record.frame.number,
                    rule: unknown.rule,
                    match_index: unknown.match_index,
                    why: unknown.why.clone(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// The captures of one run.
#[derive(Debug)]
struct Files {
    /// How many captures runs before this one read.
    before: usize,
    names: Vec<String>,
}

impl Files {
    fn name(&self, file: usize) -> &str {
        let name = file
            .checked_sub(self.before)
            .and_then(|index| self.names.get(index));
        name.map_or("?", String::as_str)
    }
}
