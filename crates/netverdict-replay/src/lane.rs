//! One engine, and what it said of packets whose continuation may still come.

use netverdict_bundle::{Entry as Vantage, Placement, Placer};
use netverdict_capture::{Batch, Direction};
use netverdict_engine::{
    Checksums, Engine, Entry, FlowId, Foreseen, Glimpsed, Input, NullObserver, Observer, Outcome,
    Passed, Sum, Transport, Tried,
};
use netverdict_net::{Device, Packet, Timestamp};

use crate::evidence::{Identity, Ledger, Sighting};
use crate::prepare::{self, Prepared, What};
use crate::quick::{Lot, Part, Quick};
use crate::record::{Cause, FrameRef};
use crate::told::{Said, Way, Ways};
use crate::{Fate, Record, Setup, Verdict};

/// So many packets are looked up together: while the memory of one is fetched, others are looked up.
const AHEAD: usize = 32;

/// How a plain packet fared.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is made"
)]
enum Fared {
    /// It took a remembered path.
    Passed(OnWay),
    /// It had to walk.
    Walked(Record),
}

/// A plain packet that took a remembered path.
struct OnWay {
    /// Where it was captured.
    interface: Device,
    passed: Passed,
    flow: Option<FlowId>,
    /// Its header as it leaves, where that is not as it came.
    after: Option<Transport>,
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

    /// Takes the frames of a part through the engine. `see` is shown the records of those that took no remembered path.
    pub(crate) fn count(
        &mut self,
        batch: &Batch,
        (part, lot): (&Part, &Lot),
        see: &mut dyn FnMut(&Record),
    ) {
        let mut others = lot.others.iter().peekable();
        let mut foreseen = [Foreseen::default(); AHEAD];
        let mut identities = lot.identities.iter();
        for group in lot.quick.chunks(AHEAD) {
            self.look_ahead(group, &mut foreseen);
            for (foreseen, quick) in foreseen.iter().zip(group) {
                while let Some((index, other)) = others.next_if(|(index, _)| *index < quick.index) {
                    self.count_other(batch, *index, other, see);
                }
                let quick = (quick, *foreseen, identities.next());
                if let Some(Fared::Walked(record)) = self.quick(batch, part, quick, 0) {
                    see(&record);
                }
            }
        }
        for (index, other) in others {
            self.count_other(batch, *index, other, see);
        }
    }

    /// Looks some packets up together.
    fn look_ahead(&self, group: &[Quick], foreseen: &mut [Foreseen; AHEAD]) {
        for (foreseen, quick) in foreseen.iter_mut().zip(group) {
            *foreseen = self.engine.foresee(&quick.glance);
        }
        for (foreseen, _) in foreseen.iter().zip(group) {
            self.engine.approach(*foreseen);
        }
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
        let mut others = lot.others.iter().peekable();
        let mut foreseen = [Foreseen::default(); AHEAD];
        let mut identities = lot.identities.iter();
        for group in lot.quick.chunks(AHEAD) {
            self.look_ahead(group, &mut foreseen);
            for (foreseen, quick) in foreseen.iter().zip(group) {
                while let Some((index, other)) = others.next_if(|(index, _)| *index < quick.index) {
                    self.list_other(batch, (*index, other), files, &mut said);
                }
                let looked_at = (quick, *foreseen, identities.next());
                match self.quick(batch, part, looked_at, files) {
                    Some(Fared::Passed(way)) => {
                        let say = || {
                            let outcome = self.engine.outcome_of(&way.passed)?;
                            Some(Way::of(&outcome, way.interface))
                        };
                        match ways.number(way.passed.path(), say) {
                            Some(number) => said.passed(number, way.flow, way.after),
                            None => said.walked(quick.index, None),
                        }
                    }
                    Some(Fared::Walked(record)) => said.walked(quick.index, Some(record)),
                    None => said.walked(quick.index, None),
                }
            }
        }
        for (index, other) in others {
            self.list_other(batch, (*index, other), files, &mut said);
        }
        said
    }

    fn list_other(
        &mut self,
        batch: &Batch,
        (index, prepared): (u32, &Prepared),
        files: usize,
        said: &mut Said,
    ) {
        if let Some(data) = batch.data(index as usize) {
            let place = prepared.place(files);
            said.other(index, self.frame(data, prepared, place, None));
        }
    }

    /// Takes the frames of a batch that are in one share through the engine.
    pub(crate) fn count_share(&mut self, batch: &Batch, parts: &[Part], number: usize) {
        for part in parts {
            if let Some(lot) = part.lots.get(number) {
                self.count(batch, (part, lot), &mut |_| ());
            }
        }
    }

    fn count_other(
        &mut self,
        batch: &Batch,
        index: u32,
        prepared: &Prepared,
        see: &mut dyn FnMut(&Record),
    ) {
        if let Some(data) = batch.data(index as usize) {
            see(&self.frame(data, prepared, prepared.place(0), None));
        }
    }

    /// Takes a plain packet through the engine. Its flow and what it leaves as are told where flows are numbered.
    fn quick(
        &mut self,
        batch: &Batch,
        part: &Part,
        (quick, foreseen, identity): (&Quick, Foreseen, Option<&Identity>),
        files: usize,
    ) -> Option<Fared> {
        let station = part.spots.get(quick.spot as usize)?.station.as_ref()?;
        let index = quick.index as usize;
        let data = || batch.data(index).unwrap_or_default();
        let packet = if quick.glance.has_options() {
            data().get(Quick::HEADER..).unwrap_or_default()
        } else {
            &[]
        };
        if let Some(ledger) = &mut self.ledger {
            ledger.expire(quick.time);
        }
        let at = &station.vantage;
        let tried = match self
            .engine
            .glimpse(&quick.glance, foreseen, packet, quick.time, at)
        {
            Glimpsed::Passed(passed) => {
                let flow = self.engine.flow_of_passed(&passed, &quick.glance);
                let flow = flow.map(|flow| self.flow(flow));
                if let (Some(ledger), Some(identity)) = (&mut self.ledger, identity) {
                    let (file, number) = batch.number(index)?;
                    let frame = FrameRef {
                        file: files + file,
                        number,
                    };
                    let told = (frame, flow);
                    ledger.predict_passed((quick, *identity), told, station, &passed, &self.engine);
                }
                return Some(Fared::Passed(OnWay {
                    interface: station.interface,
                    passed,
                    flow,
                    after: flow.and_then(|_| self.engine.left_as(&passed)),
                }));
            }
            Glimpsed::Walks(tried) => tried,
        };
        let frame = batch.frame(index)?;
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
        let mut packet = position.packet(data())?;
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
        Some(Fared::Walked(record))
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
