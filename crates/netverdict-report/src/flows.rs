//! Every flow of a replay with its first packets: what formats that list traffic are made from.
//!
//! What is kept is bounded. A flow beyond the bound is counted as left out; of a long flow the first packets are kept and
//! then only those that fared in a way no kept one did.

use std::collections::HashMap;
use std::io;

use netverdict_capture::{Direction, Frame};
use netverdict_engine::{CtState, FlowId, RuleRef, Transport};
use netverdict_net::{Device, Timestamp};
use netverdict_replay::{Fate, FrameRef, Record, Sink, Verdict};

use crate::paths::{PathId, Paths};
use crate::sources::Sources;
use crate::tally::{Sum, Tally};
use crate::timeline::Timeline;

/// How many flows are kept.
const FLOWS: usize = 250_000;
/// How many packets are kept of all flows together, and of each.
const PACKETS: usize = 300_000;
const OF_A_FLOW: u32 = 40;
/// How many more packets are kept of a flow if each fared differently.
const DIFFERENT: u32 = 40;

/// What packets of one row have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// A connection.
    Flow(FlowId),
    /// No connection: the header as captured.
    Header(Transport, Device, Direction, Verdict),
    /// No packet that iptables sees.
    Skipped(String, Device, Direction),
}

/// One flow, or packets that belong to no flow but have the same header.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) flow: Option<FlowId>,
    /// Of its first packet.
    pub(crate) transport: Option<Transport>,
    pub(crate) interface: Device,
    pub(crate) direction: Direction,
    pub(crate) first: FrameRef,
    pub(crate) first_time: Timestamp,
    pub(crate) last_time: Timestamp,
    pub(crate) sum: Sum,
    /// Packets by verdict, in the order of [`Verdict::ALL`].
    pub(crate) verdicts: [u64; Verdict::ALL.len()],
    /// The first packet with the gravest verdict.
    pub(crate) telling: Fared,
    /// What its first translated packet left as.
    pub(crate) nat: Option<Transport>,
    /// Evidence that contradicts the model.
    pub(crate) contradictions: Vec<String>,
    /// Packets kept so far.
    kept: u32,
}

/// How a packet fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fared {
    pub(crate) position: u64,
    pub(crate) verdict: Verdict,
    pub(crate) fate: Fate,
    pub(crate) rule: Option<RuleRef>,
    pub(crate) cause: Option<String>,
    pub(crate) path: PathId,
}

impl Fared {
    fn is_like(&self, other: &Self) -> bool {
        Self {
            position: other.position,
            ..self.clone()
        } == *other
    }
}

/// A kept packet.
#[derive(Debug, Clone)]
pub(crate) struct PacketRow {
    /// Index of its flow.
    pub(crate) flow: usize,
    pub(crate) frame: FrameRef,
    pub(crate) time: Timestamp,
    pub(crate) len: u32,
    pub(crate) fared: Fared,
    pub(crate) state: Option<CtState>,
    pub(crate) direction: Direction,
    pub(crate) interface: Device,
    pub(crate) out_device: Device,
    /// Whether it goes against the flow's first packet.
    pub(crate) is_reply: bool,
    /// What else is to be said: evidence, what was sent on its account, what is missing.
    pub(crate) notes: Vec<String>,
}

/// Flows, packets, times and sources of a replay, together with its sums.
#[derive(Debug, Default)]
pub struct Flows {
    /// The sums that every summary is made from.
    pub tally: Tally,
    pub(crate) flows: Vec<Flow>,
    index: HashMap<Key, usize>,
    pub(crate) packets: Vec<PacketRow>,
    /// Frames of flows that were not kept.
    pub(crate) frames_omitted: u64,
    pub(crate) timeline: Timeline,
    pub(crate) sources: Sources,
    /// Whether packets are kept, and how they went.
    paths: Option<Paths>,
}

impl Flows {
    /// Keeps flows, not packets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps packets too, with the ways that `paths` sees.
    pub fn with_packets(paths: Paths) -> Self {
        Self {
            paths: Some(paths),
            ..Self::default()
        }
    }

    /// The ways of the kept packets, where they were watched.
    pub(crate) fn paths(&self) -> Option<&Paths> {
        self.paths.as_ref()
    }

    fn add(&mut self, record: &Record) {
        let path = self
            .paths
            .as_ref()
            .map_or(PathId::NONE, |paths| paths.take(record.position));
        self.timeline.add(record.time, record.verdict);
        self.sources.add(record);
        let fared = Fared {
            position: record.position,
            verdict: record.verdict,
            fate: record.fate,
            rule: record.rule,
            cause: reason(record),
            path,
        };
        let Some(index) = self.row(record, &fared) else {
            self.frames_omitted += 1;
            return;
        };
        let (true, Some(flow)) = (self.paths.is_some(), self.flows.get_mut(index)) else {
            return;
        };
        let is_wanted = flow.kept < OF_A_FLOW
            || (flow.kept < OF_A_FLOW + DIFFERENT && !fared.is_like(&flow.telling));
        if self.packets.len() < PACKETS && is_wanted {
            flow.kept += 1;
            let is_reply = flow
                .transport
                .zip(record.transport)
                .is_some_and(|(first, this)| first.source != this.source);
            self.packets.push(PacketRow {
                flow: index,
                frame: record.frame,
                time: record.time,
                len: record.len,
                fared,
                state: record.state,
                direction: record.direction,
                interface: record.interface,
                out_device: record.out_device,
                is_reply,
                notes: notes(record),
            });
        }
    }

    /// The index of the record's flow, which is made if it is new and fits.
    fn row(&mut self, record: &Record, fared: &Fared) -> Option<usize> {
        let key = key(record, fared);
        if let Some(&index) = self.index.get(&key) {
            self.flows.get_mut(index)?.add(record, fared);
            return Some(index);
        }
        if self.flows.len() >= FLOWS {
            return None;
        }
        let index = self.flows.len();
        self.index.insert(key, index);
        let mut flow = Flow {
            flow: record.flow,
            transport: record.transport,
            interface: record.interface,
            direction: record.direction,
            first: record.frame,
            first_time: record.time,
            last_time: record.time,
            sum: Sum::default(),
            verdicts: [0; Verdict::ALL.len()],
            telling: fared.clone(),
            nat: None,
            contradictions: Vec::new(),
            kept: 0,
        };
        flow.add(record, fared);
        self.flows.push(flow);
        Some(index)
    }
}

impl Flow {
    fn add(&mut self, record: &Record, fared: &Fared) {
        self.last_time = self.last_time.max(record.time);
        self.sum.add(record.len);
        let place = Verdict::ALL.iter().position(|v| *v == record.verdict);
        if let Some(count) = place.and_then(|place| self.verdicts.get_mut(place)) {
            *count += 1;
        }
        if gravity(fared.verdict) > gravity(self.telling.verdict) {
            self.telling = fared.clone();
        }
        if self.nat.is_none() {
            self.nat = record.nat.as_ref().map(|nat| nat.after);
        }
        let contradiction = record
            .evidence
            .as_ref()
            .and_then(|e| e.contradiction.as_ref());
        self.contradictions
            .extend(contradiction.map(|c| format!("frame {}: {c}", record.frame.number)));
    }

    /// How many of its packets met this verdict.
    pub(crate) fn count(&self, verdict: Verdict) -> u64 {
        let counts = Verdict::ALL.iter().zip(self.verdicts);
        counts.filter(|(v, _)| **v == verdict).map(|(_, n)| n).sum()
    }
}

/// Which verdict a flow is listed under if its packets met several: the one that somebody will ask about.
const fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Drop => 6,
        Verdict::Reject => 5,
        Verdict::Unknown => 4,
        Verdict::Queue => 3,
        Verdict::Stolen => 2,
        Verdict::Accept => 1,
        Verdict::Skipped => 0,
    }
}

fn key(record: &Record, fared: &Fared) -> Key {
    match (record.flow, record.transport) {
        (Some(flow), _) => Key::Flow(flow),
        (None, Some(header)) => {
            Key::Header(header, record.interface, record.direction, record.verdict)
        }
        (None, None) => Key::Skipped(
            fared.cause.clone().unwrap_or_default(),
            record.interface,
            record.direction,
        ),
    }
}

/// Why, where it was not a rule's verdict alone.
pub(crate) fn reason(record: &Record) -> Option<String> {
    let undecided = record.unknowns.iter().find(|u| u.decides);
    let undecided = undecided.map(|u| u.why.clone());
    record.cause.map(|cause| cause.to_string()).or(undecided)
}

fn notes(record: &Record) -> Vec<String> {
    let evidence = record.evidence.iter().map(|evidence| {
        let of = format!("continues frame {}", evidence.of.number);
        match &evidence.contradiction {
            Some(contradiction) => format!("{of}: {contradiction}"),
            None => format!("{of}, as predicted"),
        }
    });
    let sent = record.emitted.iter().map(|what| format!("sends {what}"));
    let missing = record.unknowns.iter().filter(|u| !u.decides);
    let missing = missing.map(|u| format!("undecided on the way: {}", u.why));
    let nat = record.nat.iter();
    let nat = nat.map(|nat| format!("leaves as {}", netverdict_replay::Ends(&nat.after)));
    evidence.chain(nat).chain(sent).chain(missing).collect()
}

impl Sink for Flows {
    type Item = ();

    fn render(&self, _: &Record, _: &Frame<'_>) {}

    fn take(&mut self, record: &Record, (): ()) -> io::Result<()> {
        self.tally.add(record);
        self.add(record);
        Ok(())
    }
}
