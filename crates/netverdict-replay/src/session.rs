//! One host under replay.

use std::io;

use netverdict_bundle::{Entry as Vantage, Placement};
use netverdict_capture::{Batch, Captures, Direction, Summary};
use netverdict_engine::{
    Checksums, ConnectionView, Engine, Entry, FlowId, Input, NullObserver, Observer, Outcome,
};
use netverdict_host::keys;
use netverdict_net::{Device, Packet, Timestamp};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::evidence::{Ledger, Sighting};
use crate::prepare::{self, Frames, Prepared, What};
use crate::record::{Cause, FrameRef};
use crate::{Fate, Record, ReplayError, Setup, Sink, Totals, Verdict};

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

/// Wants to see every step of some packets.
pub trait Watch: Send {
    /// Who is to see the steps of the packet at this position of the stream, if anyone.
    fn observer(&mut self, position: u64) -> Option<&mut dyn Observer>;
}

/// Watches nothing.
impl Watch for () {
    fn observer(&mut self, _: u64) -> Option<&mut dyn Observer> {
        None
    }
}

/// One host under replay: an engine, the predictions whose continuation may still come, and the clock.
#[derive(Debug)]
pub struct Session<'s> {
    setup: &'s Setup,
    options: Options,
    engine: Engine,
    /// What is odd about the connections that it began with.
    odd: Vec<String>,
    ledger: Ledger,
    position: u64,
    bytes: u64,
    latest: Option<Timestamp>,
    /// The time of the first frame.
    first: Option<Timestamp>,
    /// Whether a frame was later than the moment at which to stop.
    is_past: bool,
    backwards: Option<Backwards>,
    /// Flow ids given by engines before this one.
    flows_before: u64,
    flows: u64,
    /// What engines before this one counted.
    totals: Totals,
    captures: Vec<Summary>,
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
        let (engine, odd) = setup.engine();
        Self {
            setup,
            options,
            engine,
            odd,
            ledger: Ledger::new(),
            position: 0,
            bytes: 0,
            latest: None,
            first: None,
            is_past: false,
            backwards: None,
            flows_before: 0,
            flows: 0,
            totals: Totals::new(&setup.rulesets, options.keep_counters),
            captures: Vec::new(),
        }
    }

    /// Replaces the host by a fresh one; counters go on from where they are.
    pub fn restart(&mut self) {
        self.totals.add(&self.engine);
        self.engine = self.setup.engine().0;
        self.ledger = Ledger::new();
        self.latest = None;
        self.first = None;
        self.is_past = false;
        self.flows_before += self.flows;
        self.flows = 0;
    }

    /// Goes on where a session of later captures ended, which had a fresh host and kept no counters: as if this one had
    /// been [restarted](Self::restart) and had replayed them.
    pub fn follow_with(&mut self, later: Self) {
        self.totals.add(&self.engine);
        self.totals.add_all(&later.totals);
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
        self.flows_before += self.flows;
        self.flows = later.flows;
        self.engine = later.engine;
        self.ledger = later.ledger;
        self.latest = later.latest;
        self.first = later.first;
        self.is_past = later.is_past;
        self.captures.extend(later.captures);
    }

    /// Takes captures through the host, as one stream.
    ///
    /// # Errors
    /// A capture cannot be read, the sink cannot write, or a packet cannot be decided and must be.
    pub fn run<S: Sink>(
        &mut self,
        mut captures: Captures,
        sink: &mut S,
        watch: &mut dyn Watch,
        progress: &dyn Fn(Progress),
    ) -> Result<(), ReplayError> {
        let files = Files {
            before: self.captures.len(),
            names: captures.files().map(|f| f.name.clone()).collect(),
        };
        let setup = self.setup;
        let mut read = move || -> Result<_, ReplayError> {
            let batch = captures.next_batch()?;
            let prepared = batch.map(|batch| {
                let frames = prepare::batch(&batch, setup);
                (batch, frames)
            });
            Ok((prepared, captures.files().cloned().collect::<Vec<_>>()))
        };
        let mut ahead = read()?;
        while let (Some((batch, frames)), _) = &ahead {
            // The engine goes on while other threads read and prepare what it gets next.
            let (records, next) = rayon::join(
                || self.batch(batch, frames, &files, watch, S::WANTS),
                &mut read,
            );
            emit(batch, &records?, sink).map_err(ReplayError::Output)?;
            progress(Progress {
                frames: self.position,
                bytes: self.bytes,
            });
            ahead = next?;
            if self.is_done() {
                break;
            }
        }
        self.captures.extend(ahead.1);
        Ok(())
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
        let mut record = self.record(frame, input.time, device, direction);
        record.len = input.packet.len() as u32;
        record.transport = Some(sighting.transport);
        let outcome = self.step(input, false, observer, &mut record);
        (record, outcome)
    }

    /// The time of the latest packet.
    pub fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// What every rule counted.
    pub fn totals(&self) -> Totals {
        let mut totals = self.totals.clone();
        totals.add(&self.engine);
        totals
    }

    /// The host as it is now.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The connection table at [`Options::at`], else at the time of the latest packet.
    pub fn connections(&self) -> Vec<ConnectionView> {
        match self.moment() {
            Some(at) => self.engine.connections_at(at),
            None => self.engine.connections(),
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
        let full = self.engine.was_conntrack_full().then(|| self.full());
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

    /// Takes a batch's packets through the engine, in order.
    fn batch(
        &mut self,
        batch: &Batch,
        frames: &Frames,
        files: &Files,
        watch: &mut dyn Watch,
        wants_records: bool,
    ) -> Result<Vec<Record>, ReplayError> {
        let mut records = Vec::with_capacity(if wants_records { batch.len() } else { 0 });
        for (index, prepared) in frames.iter() {
            let Some(data) = batch.data(index) else {
                continue;
            };
            self.first.get_or_insert(prepared.time);
            self.is_past |= self.moment().is_some_and(|at| prepared.time > at);
            if self.is_done() {
                break;
            }
            self.position += 1;
            self.bytes += data.len() as u64;
            let record = self.frame(data, prepared, files, watch.observer(self.position));
            self.refuse_unknown(&record, files)?;
            if wants_records {
                records.push(record);
            }
        }
        Ok(records)
    }

    fn frame(
        &mut self,
        data: &[u8],
        prepared: &Prepared,
        files: &Files,
        observer: Option<&mut dyn Observer>,
    ) -> Record {
        let place = FrameRef {
            file: files.before + prepared.file,
            number: prepared.number,
        };
        let time = prepared.time;
        self.tell_time(time, place);
        match &prepared.what {
            What::Skipped {
                interface,
                direction,
                len,
                cause,
            } => {
                let mut record = self.record(place, time, *interface, *direction);
                record.len = *len;
                record.cause = Some(*cause);
                record
            }
            What::Packet {
                position,
                placement,
                sighting,
            } => {
                let mut record = self.record(place, time, placement.interface, placement.direction);
                record.transport = Some(sighting.transport);
                if let Some(mut packet) = position.packet(data) {
                    packet.link.packet_type = placement.packet_type;
                    record.len = packet.len() as u32;
                    self.packet(packet, placement, sighting, &mut record, observer);
                }
                record
            }
        }
    }

    /// Replays a packet, or takes it as evidence.
    fn packet(
        &mut self,
        packet: Packet<'_>,
        placement: &Placement,
        sighting: &Sighting,
        record: &mut Record,
        observer: Option<&mut dyn Observer>,
    ) {
        self.ledger.expire(record.time);
        match placement.entry {
            Vantage::Below => {
                record.cause = Some(Cause::Below(placement.interface));
                return;
            }
            Vantage::OtherHost => {}
            Vantage::Prerouting | Vantage::Output | Vantage::Forwarded => {
                if self.is_evidence(sighting, record) {
                    return;
                }
            }
        }
        let input = Input {
            packet,
            time: record.time,
            entry: entry(placement),
        };
        let believed = self.setup.config.checksums == Checksums::Auto && sighting.is_pending;
        let outcome = self.step(
            input,
            sighting.is_verified || believed,
            observer.unwrap_or(&mut NullObserver),
            record,
        );
        self.ledger.predict(record, sighting, &outcome);
    }

    /// Whether the frame continues an earlier one; if so, its record takes over what was said of that one.
    fn is_evidence(&mut self, sighting: &Sighting, record: &mut Record) -> bool {
        let host = &self.setup.inferred.host;
        let is_port = |master: Device, port: Device| {
            let interface = port.name().and_then(|name| host.interface(name));
            interface.and_then(|i| i.master).map(Device::Named) == Some(master)
        };
        let Some(continuation) = self.ledger.continuation(record, sighting, is_port) else {
            return false;
        };
        record.continue_from(continuation.said.as_ref());
        record.evidence = Some(continuation.evidence);
        true
    }

    fn step(
        &mut self,
        input: Input<'_>,
        is_right: bool,
        observer: &mut dyn Observer,
        record: &mut Record,
    ) -> Outcome {
        let outcome = self.engine.step_known(input, is_right, observer);
        record.decide(&outcome);
        record.flow = outcome.flow.map(|FlowId(id)| {
            self.flows = self.flows.max(id);
            FlowId(self.flows_before + id)
        });
        outcome
    }

    fn record(
        &self,
        frame: FrameRef,
        time: Timestamp,
        interface: Device,
        direction: Direction,
    ) -> Record {
        Record {
            position: self.position,
            frame,
            time,
            interface,
            direction,
            len: 0,
            transport: None,
            verdict: Verdict::Skipped,
            fate: Fate::Skipped,
            rule: None,
            cause: None::<Cause>,
            hook: None,
            state: None,
            flow: None,
            nat: None,
            in_device: Device::Absent,
            out_device: Device::Absent,
            mark: 0,
            unknowns: Vec::new(),
            emitted: Vec::new(),
            evidence: None,
        }
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

/// The hook a placed packet enters.
fn entry(placement: &Placement) -> Entry {
    match placement.entry {
        Vantage::Prerouting | Vantage::OtherHost | Vantage::Below => Entry::Prerouting {
            in_device: placement.interface,
        },
        Vantage::Output => Entry::Output {
            out_device: placement.interface,
        },
        Vantage::Forwarded => Entry::Prerouting {
            in_device: placement.arrival,
        },
    }
}

/// Renders records in parallel and hands them to the sink in order.
fn emit<S: Sink>(batch: &Batch, records: &[Record], sink: &mut S) -> io::Result<()> {
    // Every frame of a batch has a record unless the replay ended, so that both have the same index.
    let shared: &S = sink;
    let items: Vec<_> = records
        .par_iter()
        .with_min_len(256)
        .enumerate()
        .map(|(index, record)| {
            batch
                .frame(index)
                .map(|frame| shared.render(record, &frame))
        })
        .collect();
    for (record, item) in records.iter().zip(items) {
        if let Some(item) = item {
            sink.take(record, item)?;
        }
    }
    Ok(())
}
