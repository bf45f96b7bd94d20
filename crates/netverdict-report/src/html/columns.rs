//! What the page shows, as columns: a hundred thousand flows are a hundred thousand numbers a column, not as many objects.

use std::collections::HashMap;

use netverdict_capture::Direction;
use netverdict_engine::{RuleRef, Transport};
use netverdict_net::{Device, Timestamp};
use netverdict_replay::{Ends, Fate, Setup, Verdict, has_ports};
use serde::Serialize;

use crate::assemble::places;
use crate::flows::{Flow, Flows, PacketRow};
use crate::model::Report;
use crate::names::{Names, seconds};
use crate::paths::Step;

/// How many sources the chart can show.
const SOURCES: usize = 50;

/// All that the page is given. Columns hold indices: of `strings`, of `report.rules`, of `paths` (from 1, 0 is none).
#[derive(Debug, Serialize)]
pub(super) struct Data<'r> {
    report: &'r Report,
    verdicts: Vec<&'static str>,
    fates: Vec<&'static str>,
    timeline: Timeline,
    /// Address and stopped packets.
    sources: Vec<(String, u64)>,
    sources_total: usize,
    /// How the page was asked for again: the host as given, and the captures.
    host: &'r str,
    strings: Vec<String>,
    /// Each a list of steps `[kind, index]`.
    paths: Vec<Vec<(&'static str, usize)>>,
    flows: FlowColumns,
    packets: PacketColumns,
    frames_omitted: u64,
}

#[derive(Debug, Serialize)]
struct Timeline {
    start: Option<String>,
    /// Nanoseconds.
    width: i64,
    bins: Vec<[u64; Verdict::ALL.len()]>,
}

#[derive(Debug, Default, Serialize)]
struct FlowColumns {
    id: Vec<Option<u64>>,
    verdict: Vec<usize>,
    fate: Vec<usize>,
    /// Verdicts of its packets as bits.
    mask: Vec<u32>,
    protocol: Vec<usize>,
    source: Vec<usize>,
    source_port: Vec<Option<u16>>,
    destination: Vec<usize>,
    destination_port: Vec<Option<u16>>,
    interface: Vec<usize>,
    out: Vec<bool>,
    packets: Vec<u64>,
    bytes: Vec<u64>,
    stopped: Vec<u64>,
    /// Nanoseconds since `timeline.start`, each less the one before.
    first: Vec<i64>,
    /// Nanoseconds from the first packet to the last.
    lasts: Vec<i64>,
    rule: Vec<Option<usize>>,
    reason: Vec<usize>,
    nat: Vec<usize>,
}

#[derive(Debug, Default, Serialize)]
struct PacketColumns {
    flow: Vec<usize>,
    file: Vec<usize>,
    /// These three each less the one before.
    n: Vec<i64>,
    /// In the whole stream.
    position: Vec<i64>,
    time: Vec<i64>,
    length: Vec<u32>,
    verdict: Vec<usize>,
    fate: Vec<usize>,
    rule: Vec<Option<usize>>,
    reason: Vec<usize>,
    path: Vec<u32>,
    state: Vec<usize>,
    /// In, out, by which devices.
    interface: Vec<usize>,
    leaves_by: Vec<usize>,
    /// 1 if it goes out, 2 if it goes against the flow's first packet.
    way: Vec<u8>,
    notes: Vec<usize>,
}

/// Every different text once; 0 is the empty one.
#[derive(Debug)]
struct Strings {
    all: Vec<String>,
    ids: HashMap<String, usize>,
}

impl Strings {
    fn new() -> Self {
        let mut strings = Self {
            all: Vec::new(),
            ids: HashMap::new(),
        };
        strings.id(String::new());
        strings
    }

    fn id(&mut self, text: String) -> usize {
        if let Some(id) = self.ids.get(&text) {
            return *id;
        }
        let id = self.all.len();
        self.all.push(text.clone());
        self.ids.insert(text, id);
        id
    }

    fn maybe(&mut self, text: Option<String>) -> usize {
        self.id(text.unwrap_or_default())
    }

    fn device(&mut self, device: Device) -> usize {
        self.maybe(device.name().map(ToString::to_string))
    }
}

/// Turns rows into columns.
struct Maker {
    strings: Strings,
    rules: HashMap<RuleRef, usize>,
    start: i64,
}

impl<'r> Data<'r> {
    pub(super) fn new(setup: &'r Setup, report: &'r Report, flows: &Flows) -> Self {
        let names = Names::new(setup);
        let rules = places(&setup.rulesets);
        debug_assert_eq!(rules.len(), report.rules.len());
        let mut maker = Maker {
            strings: Strings::new(),
            rules: rules.into_iter().zip(0..).collect(),
            start: flows.timeline.start().unwrap_or(Timestamp(0)).0,
        };
        let paths = flows
            .paths()
            .map(crate::paths::Paths::all)
            .unwrap_or_default();
        let paths = paths
            .iter()
            .map(|path| path.iter().map(|step| maker.step(step, &names)).collect())
            .collect();
        let flow_columns = maker.flows(&flows.flows);
        let packet_columns = maker.packets(&flows.packets);
        Self {
            report,
            verdicts: Verdict::ALL.iter().map(|v| v.name()).collect(),
            fates: Fate::ALL.iter().map(|f| f.name()).collect(),
            timeline: Timeline {
                start: flows.timeline.start().map(seconds),
                width: flows.timeline.width(),
                bins: flows.timeline.bins().to_vec(),
            },
            sources: flows
                .sources
                .top(SOURCES)
                .into_iter()
                .map(|(address, packets)| (address.to_string(), packets))
                .collect(),
            sources_total: flows.sources.len(),
            host: &setup.bundle.name,
            strings: maker.strings.all,
            paths,
            flows: flow_columns,
            packets: packet_columns,
            frames_omitted: flows.frames_omitted,
        }
    }
}

impl Maker {
    fn rule(&self, rule: Option<RuleRef>) -> Option<usize> {
        self.rules.get(&rule?).copied()
    }

    fn step(&mut self, step: &Step, names: &Names<'_>) -> (&'static str, usize) {
        match step {
            Step::Hook(hook) => ("hook", self.strings.id(hook.chain_name().to_owned())),
            Step::Table(table) => ("table", self.strings.id(table.name().to_owned())),
            Step::Skipped(table, why) => (
                "skipped",
                self.strings.id(format!("{}: {why}", table.name())),
            ),
            Step::Rule(rule) => self.decided("rule", *rule, names),
            Step::Policy(rule) => self.decided("policy", *rule, names),
            Step::Enter => ("enter", 0),
            Step::Return => ("return", 0),
            Step::Said(what, text) => ("said", self.strings.id(format!("{what}: {text}"))),
        }
    }

    fn decided(
        &mut self,
        kind: &'static str,
        rule: RuleRef,
        names: &Names<'_>,
    ) -> (&'static str, usize) {
        match self.rule(Some(rule)) {
            Some(index) => (kind, index),
            // A chain that no dump holds: an empty table's policy.
            None => (
                "said",
                self.strings.id(format!("policy of {}", names.chain(rule))),
            ),
        }
    }

    fn since(&self, time: Timestamp) -> i64 {
        time.0.saturating_sub(self.start)
    }

    fn flows(&mut self, flows: &[Flow]) -> FlowColumns {
        let mut c = FlowColumns::default();
        for flow in flows {
            let ends = flow.transport.as_ref();
            let port =
                |pick: fn(&Transport) -> u16| ends.filter(|t| has_ports(t.protocol)).map(pick);
            c.id.push(flow.flow.map(|f| f.0));
            c.verdict.push(index(&Verdict::ALL, flow.telling.verdict));
            c.fate.push(index(&Fate::ALL, flow.telling.fate));
            let bits = flow.verdicts.iter().zip(0..).filter(|(n, _)| **n > 0);
            c.mask.push(bits.map(|(_, bit)| 1 << bit).sum());
            c.protocol
                .push(self.strings.maybe(ends.map(|t| t.protocol.to_string())));
            c.source
                .push(self.strings.maybe(ends.map(|t| t.source.to_string())));
            c.source_port.push(port(|t| t.source_port));
            c.destination
                .push(self.strings.maybe(ends.map(|t| t.destination.to_string())));
            c.destination_port.push(port(|t| t.destination_port));
            c.interface.push(self.strings.device(flow.interface));
            c.out.push(flow.direction == Direction::Out);
            c.packets.push(flow.sum.packets);
            c.bytes.push(flow.sum.bytes);
            c.stopped
                .push(flow.count(Verdict::Drop) + flow.count(Verdict::Reject));
            c.first.push(self.since(flow.first_time));
            c.lasts
                .push(flow.last_time.0.saturating_sub(flow.first_time.0));
            c.rule.push(self.rule(flow.telling.rule));
            c.reason
                .push(self.strings.maybe(flow.telling.cause.clone()));
            c.nat.push(
                self.strings
                    .maybe(flow.nat.map(|nat| Ends(&nat).to_string())),
            );
        }
        c.first = differences(&c.first);
        c
    }

    fn packets(&mut self, packets: &[PacketRow]) -> PacketColumns {
        let mut c = PacketColumns::default();
        for packet in packets {
            c.flow.push(packet.flow);
            c.file.push(packet.frame.file);
            c.n.push(packet.frame.number as i64);
            c.position.push(packet.fared.position as i64);
            c.time.push(self.since(packet.time));
            c.length.push(packet.len);
            c.verdict.push(index(&Verdict::ALL, packet.fared.verdict));
            c.fate.push(index(&Fate::ALL, packet.fared.fate));
            c.rule.push(self.rule(packet.fared.rule));
            c.reason
                .push(self.strings.maybe(packet.fared.cause.clone()));
            c.path.push(packet.fared.path.0);
            c.state
                .push(self.strings.maybe(packet.state.map(|s| s.to_string())));
            c.interface.push(self.strings.device(packet.interface));
            c.leaves_by.push(self.strings.device(packet.out_device));
            let out = u8::from(packet.direction == Direction::Out);
            c.way.push(out + 2 * u8::from(packet.is_reply));
            c.notes.push(self.strings.id(packet.notes.join("\n")));
        }
        c.n = differences(&c.n);
        c.position = differences(&c.position);
        c.time = differences(&c.time);
        c
    }
}

/// Each value less the one before: short numbers where values rise.
fn differences(values: &[i64]) -> Vec<i64> {
    let before = std::iter::once(&0).chain(values);
    values.iter().zip(before).map(|(v, b)| v - b).collect()
}

fn index<T: PartialEq>(all: &[T], one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or(0)
}
