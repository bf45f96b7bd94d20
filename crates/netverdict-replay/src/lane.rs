//! One engine, and what it said of packets whose continuation may still come.

use netverdict_bundle::{Entry as Vantage, Placement, Placer};
use netverdict_capture::{Batch, Direction};
use netverdict_engine::{
    Checksums, Engine, Entry, FlowId, Foreseen, Input, NullObserver, Observer, Outcome, Passed,
    Sum, Tried,
};
use netverdict_net::{Device, Packet, Timestamp};

use crate::evidence::{Identity, Ledger, Sighting};
use crate::prepare::{self, Prepared, What};
use crate::quick::{Part, Quick};
use crate::record::{Cause, FrameRef};
use crate::told::{Said, Way, Ways};
use crate::{Fate, Record, Setup, Verdict};

/// So many packets ahead, the place is fetched from memory where a packet will be looked up.
const FAR: usize = 8;
/// So many packets ahead, what will be found there is.
const NEAR: usize = 4;

/// A plain packet that took a remembered path.
struct OnWay {
    /// Where it was captured.
    interface: Device,
    passed: Passed,
    flow: Option<FlowId>,
}

/// Hears how the frames of a part fared, in their order.
trait Hearer {
    /// A plain packet took a remembered path.
    fn passed(&mut self, engine: &Engine, index: u32, way: &OnWay);
    /// A plain packet had to walk; what there is to say of it.
    fn walked(&mut self, index: u32, record: Option<Record>);
    /// A frame that is no plain packet.
    fn other(&mut self, index: u32, record: Record);
}

/// Asks for records only.
struct Counting<'f>(&'f mut dyn FnMut(&Record));

impl Hearer for Counting<'_> {
    #[inline]
    fn passed(&mut self, _: &Engine, _: u32, _: &OnWay) {}

    fn walked(&mut self, _: u32, record: Option<Record>) {
        if let Some(record) = record {
            self.0(&record);
        }
    }

    fn other(&mut self, _: u32, record: Record) {
        self.0(&record);
    }
}

/// Keeps what was said of each.
struct Keeping<'l> {
    said: &'l mut Said,
    ways: &'l mut Ways,
}

impl Hearer for Keeping<'_> {
    fn passed(&mut self, engine: &Engine, index: u32, way: &OnWay) {
        let say = || {
            let outcome = engine.outcome_of(&way.passed)?;
            Some(Way::of(&outcome, way.interface))
        };
        match self.ways.number(way.passed.path(), say) {
            Some(number) => {
                let after = way.flow.and_then(|_| engine.left_as(&way.passed));
                self.said.passed(number, way.flow, after);
            }
            None => self.said.walked(index, None),
        }
    }

    fn walked(&mut self, index: u32, record: Option<Record>) {
        self.said.walked(index, record);
    }

    fn other(&mut self, index: u32, record: Record) {
        self.said.other(index, record);
    }
}

/// What is foreseen of the packets that come next.
struct Ahead<I> {
    /// Those further on.
    rest: I,
    /// Of those up to [`FAR`] ahead, by place.
    foreseen: [Foreseen; FAR],
    /// How many packets were looked at.
    seen: usize,
    /// The place of the next packet.
    at: usize,
}

impl<'q, I: Iterator<Item = &'q Quick>> Ahead<I> {
    fn new(quick: I, engine: &Engine) -> Self {
        let mut ahead = Self {
            rest: quick,
            foreseen: [Foreseen::default(); FAR],
            seen: 0,
            at: 0,
        };
        (0..FAR).for_each(|_| ahead.foresee(engine));
        (0..NEAR).for_each(|at| ahead.approach(at, engine));
        ahead
    }

    /// What is foreseen of the next packet. Those further on are looked at meanwhile.
    #[inline]
    fn next(&mut self, engine: &Engine) -> Foreseen {
        let foreseen = self.foreseen[self.at % FAR];
        self.foresee(engine);
        self.approach(self.at + NEAR, engine);
        self.at += 1;
        foreseen
    }

    #[inline]
    fn foresee(&mut self, engine: &Engine) {
        if let Some(quick) = self.rest.next() {
            self.foreseen[self.seen % FAR] = engine.foresee(&quick.glance);
            self.seen += 1;
        }
    }

    #[inline]
    fn approach(&mut self, at: usize, engine: &Engine) {
        if at < self.seen {
            engine.approach(&mut self.foreseen[at % FAR]);
        }
    }
}

/// The place of a batch's frame among all captures; so many came before those of the batch.
fn place(batch: &Batch, index: u32, files: usize) -> FrameRef {
    let (file, number) = batch.number(index as usize).unwrap_or_default();
    FrameRef {
        file: files + file,
        number,
    }
}

/// One engine and the predictions that it made.
#[derive(Debug)]
pub(crate) struct Lane<'s> {
    setup: &'s Setup,
    pub(crate) engine: Engine,
    /// `None` where no frame may go out.
    ledger: Option<Ledger>,
    /// Flow ids given by engines before this one.
    flows_before: u64,
    flows: u64,
}

impl<'s> Lane<'s> {
    /// A fresh host, and what is odd about the connections that it begins with.
    pub(crate) fn new(setup: &'s Setup) -> (Self, Vec<String>) {
        let (engine, odd) = setup.engine();
        (Self::of(setup, engine), odd)
    }

    /// An engine that has seen nothing yet.
    pub(crate) fn of(setup: &'s Setup, engine: Engine) -> Self {
        Self {
            setup,
            engine,
            ledger: Some(Ledger::new()),
            flows_before: 0,
            flows: 0,
        }
    }

    /// From now on nobody asks for flows, and no frame goes out if `expects_none`.
    pub(crate) fn count_only(&mut self, expects_none: bool) {
        self.engine.forget_flows();
        if expects_none {
            self.ledger = None;
        }
    }

    /// The same with flows numbered behind those of another.
    pub(crate) fn after(self, before: &Self) -> Self {
        Self {
            flows_before: before.flows_before + before.flows,
            ..self
        }
    }

    /// Takes a frame through the engine, or takes it as evidence.
    pub(crate) fn frame(
        &mut self,
        data: &[u8],
        prepared: &Prepared,
        place: FrameRef,
        observer: Option<&mut dyn Observer>,
    ) -> Record {
        let time = prepared.time;
        match &prepared.what {
            What::Skipped {
                interface,
                direction,
                len,
                cause,
            } => {
                let mut record = blank(place, time, *interface, *direction);
                record.len = *len;
                record.cause = Some(*cause);
                record
            }
            What::Packet {
                position,
                placement,
                sighting,
            } => {
                let mut record = blank(place, time, placement.interface, placement.direction);
                record.transport = Some(sighting.transport);
                if let Some(mut packet) = position.packet(data) {
                    packet.link.packet_type = placement.packet_type;
                    packet.link.port = placement.port;
                    record.len = packet.len() as u32;
                    self.packet(packet, placement, sighting, &mut record, observer, None);
                }
                record
            }
        }
    }

    /// Takes one lot of each part through the engine. `see` is shown the records of those that took no remembered path.
    pub(crate) fn count(
        &mut self,
        batch: &Batch,
        parts: &[Part],
        number: usize,
        see: &mut dyn FnMut(&Record),
    ) {
        self.go(batch, (parts, number), 0, &mut Counting(see));
    }

    /// Takes the frames of a part through the engine and keeps what it said of each. `files` captures came before those
    /// of the batch.
    pub(crate) fn list(
        &mut self,
        batch: &Batch,
        part: &Part,
        files: usize,
        ways: &mut Ways,
    ) -> Said {
        let Some(lot) = part.lots.first() else {
            return Said::default();
        };
        let mut said = Said::with_room(lot);
        let mut keeping = Keeping {
            said: &mut said,
            ways,
        };
        self.go(batch, (std::slice::from_ref(part), 0), files, &mut keeping);
        said
    }

    /// Takes one lot of each part through the engine, its frames in their order.
    fn go<H: Hearer>(
        &mut self,
        batch: &Batch,
        (parts, number): (&[Part], usize),
        files: usize,
        hearer: &mut H,
    ) {
        let lots = || {
            let lots = parts.iter().map(|part| (part, part.lots.get(number)));
            lots.filter_map(|(part, lot)| Some((part, lot?)))
        };
        let quick = lots().flat_map(|(_, lot)| &lot.quick);
        let mut ahead = Ahead::new(quick, &self.engine);
        for (part, lot) in lots() {
            let mut others = lot.others.iter().peekable();
            let mut identities = lot.identities.iter();
            for quick in &lot.quick {
                let foreseen = ahead.next(&self.engine);
                while let Some((index, other)) = others.next_if(|(index, _)| *index < quick.index) {
                    self.other(batch, (*index, other), files, hearer);
                }
                let looked_at = (quick, foreseen, identities.next());
                self.quick(batch, part, looked_at, files, hearer);
            }
            for (index, other) in others {
                self.other(batch, (*index, other), files, hearer);
            }
        }
    }

    /// Takes a frame through the engine that is no plain packet.
    #[inline(never)]
    fn other<H: Hearer>(
        &mut self,
        batch: &Batch,
        (index, prepared): (u32, &Prepared),
        files: usize,
        hearer: &mut H,
    ) {
        if let Some(data) = batch.data(index as usize) {
            let record = self.frame(data, prepared, prepared.place(files), None);
            hearer.other(index, record);
        }
    }

    /// Takes a plain packet through the engine. Its flow and what it leaves as are told where flows are numbered.
    #[inline]
    fn quick<H: Hearer>(
        &mut self,
        batch: &Batch,
        part: &Part,
        (quick, foreseen, identity): (&Quick, Foreseen, Option<&Identity>),
        files: usize,
        hearer: &mut H,
    ) {
        let station = part.spots.get(quick.spot as usize);
        let Some(station) = station.and_then(|spot| spot.station.as_ref()) else {
            return hearer.walked(quick.index, None);
        };
        if let Some(ledger) = &mut self.ledger {
            ledger.expire(quick.time);
        }
        let packet = if quick.glance.has_options() {
            let data = batch.data(quick.index as usize).unwrap_or_default();
            data.get(Quick::HEADER..).unwrap_or_default()
        } else {
            &[]
        };
        let at = &station.vantage;
        let mut tried = Tried::default();
        let glance = &quick.glance;
        let passed = self
            .engine
            .glimpse(glance, foreseen, packet, quick.time, at, &mut tried);
        let Some(passed) = passed else {
            let record = self.walk(batch, quick.index, tried, files);
            return hearer.walked(quick.index, record);
        };
        let flow = self.engine.flow_of_passed(&passed, glance);
        let flow = flow.map(|flow| self.flow(flow));
        if let (Some(ledger), Some(identity)) = (&mut self.ledger, identity) {
            let frame = place(batch, quick.index, files);
            let quick = (quick, *identity);
            ledger.predict_passed(quick, (frame, flow), station, &passed, &self.engine);
        }
        let way = OnWay {
            interface: station.interface,
            passed,
            flow,
        };
        hearer.passed(&self.engine, quick.index, &way);
    }

    /// Takes a plain packet through the engine that no remembered path leads.
    #[inline(never)]
    fn walk(&mut self, batch: &Batch, index: u32, tried: Tried, files: usize) -> Option<Record> {
        let frame = batch.frame(index as usize)?;
        let host = &self.setup.inferred;
        let mut placer = Placer::new(&host.host, &host.own);
        let prepared = prepare::prepared(&frame, self.setup, &mut placer);
        let What::Packet {
            position,
            placement,
            sighting,
        } = &prepared.what
        else {
            return None;
        };
        let mut packet = position.packet(batch.data(index as usize)?)?;
        packet.link.packet_type = placement.packet_type;
        packet.link.port = placement.port;
        let mut record = blank(
            prepared.place(files),
            prepared.time,
            placement.interface,
            placement.direction,
        );
        record.transport = Some(sighting.transport);
        record.len = packet.len() as u32;
        self.packet(packet, placement, sighting, &mut record, None, Some(tried));
        Some(record)
    }

    /// A flow's number among those of all engines so far.
    fn flow(&mut self, FlowId(id): FlowId) -> FlowId {
        self.flows = self.flows.max(id);
        FlowId(self.flows_before + id)
    }

    fn packet(
        &mut self,
        packet: Packet<'_>,
        placement: &Placement,
        sighting: &Sighting,
        record: &mut Record,
        observer: Option<&mut dyn Observer>,
        tried: Option<Tried>,
    ) {
        if let Some(ledger) = &mut self.ledger {
            ledger.expire(record.time);
        }
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
        let mut nobody = NullObserver;
        let observer = observer.unwrap_or(&mut nobody);
        let believes = self.setup.config.checksums == Checksums::Auto;
        let sum = match (sighting.is_verified, sighting.is_pending && believes) {
            (true, _) => Sum::Right,
            (false, true) => Sum::Pending,
            (false, false) => Sum::Unknown,
        };
        let outcome = match tried {
            Some(tried) => self.engine.step_tried(input, sum, tried, observer),
            None => self.engine.step_known(input, sum, observer),
        };
        self.decide(record, &outcome);
        if let Some(ledger) = &mut self.ledger {
            ledger.predict(record, sighting, &outcome);
        }
    }

    /// Whether the frame continues an earlier one; if so, its record takes over what was said of that one.
    fn is_evidence(&mut self, sighting: &Sighting, record: &mut Record) -> bool {
        let host = &self.setup.inferred.host;
        let is_port = |master: Device, port: Device| {
            let interface = port.name().and_then(|name| host.interface(name));
            interface.and_then(|i| i.master).map(Device::Named) == Some(master)
        };
        let ledger = self.ledger.as_mut();
        let continuation = ledger.and_then(|l| l.continuation(record, sighting, is_port));
        let Some(continuation) = continuation else {
            return false;
        };
        record.continue_from(continuation.said.as_ref());
        record.evidence = Some(continuation.evidence);
        true
    }

    /// Puts what the engine said into a record.
    pub(crate) fn decide(&mut self, record: &mut Record, outcome: &Outcome) {
        record.decide(outcome);
        record.flow = outcome.flow.map(|flow| self.flow(flow));
    }
}

/// The record of a frame of which nothing is said yet.
pub(crate) const fn blank(
    frame: FrameRef,
    time: Timestamp,
    interface: Device,
    direction: Direction,
) -> Record {
    Record {
        position: 0,
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
