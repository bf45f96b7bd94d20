//! The lines of most packets, written piece by piece: what packets of one way share is put together once.

use std::ops::Range;

use netverdict_capture::Direction;
use netverdict_engine::{CtState, FlowId, RuleNumber, RuleRef, Transport};
use netverdict_net::Protocol;
use netverdict_replay::{FrameRef, Passage, Record, Way, has_ports};
use netverdict_ruleset::Hook;

use super::{Lines, device};
use crate::assemble::direction;
use crate::bytes::{add, address, number, optional_text, put, text, time};

/// Whether nothing of a record has to be put together that few have.
pub(super) fn is_usual(record: &Record) -> bool {
    record.unknowns.is_empty() && record.emitted.is_empty() && record.evidence.is_none()
}

/// Writes lines, and keeps what those of one way share.
pub(super) struct Usual<'l, 's, 'w> {
    lines: &'l Lines<'s, 'w>,
    /// The number of a way, and where what its lines share is in `shared`: before the flow, and behind the length.
    ways: Vec<(usize, Range<usize>, Range<usize>)>,
    shared: Vec<u8>,
}

impl<'l, 's, 'w> Usual<'l, 's, 'w> {
    pub(super) fn new(lines: &'l Lines<'s, 'w>) -> Self {
        Self {
            lines,
            ways: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// The line of a packet that took a way.
    pub(super) fn passage(&mut self, out: &mut Vec<u8>, passage: &Passage<'_>) {
        let (head, tail) = self.way(passage);
        self.begin(out, passage.frame, passage.time);
        add(out, self.shared.get(head).unwrap_or_default());
        let reason = passage.way.cause.map(|cause| cause.to_string());
        middle(
            out,
            passage.flow,
            passage.after.as_ref(),
            reason.as_deref(),
            Some(&passage.transport),
        );
        number(out, passage.len.into());
        add(out, self.shared.get(tail).unwrap_or_default());
    }

    /// The line of a record.
    pub(super) fn record(&self, out: &mut Vec<u8>, record: &Record) {
        let way = record.way();
        self.begin(out, record.frame, record.time);
        self.head(out, &way, record.direction);
        let reason = record.cause.map(|cause| cause.to_string());
        middle(
            out,
            record.flow,
            record.nat.as_ref().map(|nat| &nat.after),
            reason.as_deref(),
            record.transport.as_ref(),
        );
        number(out, record.len.into());
        tail(out, &way);
    }

    /// Where what the lines of a way share is.
    fn way(&mut self, passage: &Passage<'_>) -> (Range<usize>, Range<usize>) {
        let known = self.ways.iter().find(|(way, ..)| *way == passage.number);
        if let Some((_, head, tail)) = known {
            return (head.clone(), tail.clone());
        }
        let way = passage.way;
        let mut shared = std::mem::take(&mut self.shared);
        let start = shared.len();
        self.head(&mut shared, way, Direction::In);
        let between = shared.len();
        tail(&mut shared, way);
        let (head, tail) = (start..between, between..shared.len());
        self.shared = shared;
        self.ways.push((passage.number, head.clone(), tail.clone()));
        (head, tail)
    }

    fn begin(&self, out: &mut Vec<u8>, frame: FrameRef, at: netverdict_net::Timestamp) {
        put(out, b"{\"n\":");
        number(out, frame.number);
        add(out, self.lines.between(frame.file));
        time(out, at);
    }

    /// What a line says before the flow.
    fn head(&self, out: &mut Vec<u8>, way: &Way, at: Direction) {
        put(out, b",\"interface\":");
        optional_text(out, device(&way.interface));
        put(out, b",\"direction\":");
        text(out, direction(at));
        put(out, b",\"verdict\":");
        text(out, way.verdict.name());
        put(out, b",\"fate\":");
        text(out, way.fate.name());
        put(out, b",\"rule\":");
        match way.rule {
            Some(rule) => self.rule(out, rule),
            None => put(out, b"null"),
        }
        put(out, b",\"state\":");
        optional_text(out, way.state.map(CtState::name));
        put(out, b",\"flow\":");
    }

    fn rule(&self, out: &mut Vec<u8>, rule: RuleRef) {
        let names = &self.lines.names;
        put(out, b"{\"table\":");
        text(out, rule.table.name());
        put(out, b",\"chain\":");
        text(out, names.chain(rule));
        put(out, b",\"number\":");
        match rule.number {
            RuleNumber::Rule(rule) => number(out, rule.into()),
            RuleNumber::Policy => put(out, b"\"policy\""),
        }
        put(out, b",\"line\":");
        optional_number(out, names.line(rule).map(u64::from));
        put(out, b",\"family\":");
        text(out, rule.family.name());
        out.push(b'}');
    }
}

/// From the flow's number to before the length.
fn middle(
    out: &mut Vec<u8>,
    flow: Option<FlowId>,
    after: Option<&Transport>,
    reason: Option<&str>,
    ends: Option<&Transport>,
) {
    optional_number(out, flow.map(|flow| flow.0));
    put(out, b",\"nat\":");
    match after {
        Some(after) => {
            put(out, b"{\"source\":");
            self::ends(out, after);
            out.push(b'}');
        }
        None => put(out, b"null"),
    }
    put(out, b",\"reason\":");
    optional_text(out, reason);
    match ends {
        Some(ends) => {
            if ends.source.is_ipv4() {
                put(out, b",\"family\":\"ipv4\",\"protocol\":");
            } else {
                put(out, b",\"family\":\"ipv6\",\"protocol\":");
            }
            protocol(out, ends.protocol);
            put(out, b",\"source\":");
            self::ends(out, ends);
        }
        None => put(
            out,
            b",\"family\":null,\"protocol\":null,\"source\":null,\"source_port\":null,\"destination\":null,\
              \"destination_port\":null",
        ),
    }
    put(out, b",\"length\":");
}

/// A header from its source's value to its destination port.
fn ends(out: &mut Vec<u8>, ends: &Transport) {
    let port = |port: u16| has_ports(ends.protocol).then_some(port.into());
    address(out, ends.source);
    put(out, b",\"source_port\":");
    optional_number(out, port(ends.source_port));
    put(out, b",\"destination\":");
    address(out, ends.destination);
    put(out, b",\"destination_port\":");
    optional_number(out, port(ends.destination_port));
}

fn protocol(out: &mut Vec<u8>, protocol: Protocol) {
    match protocol {
        Protocol::TCP => put(out, b"\"tcp\""),
        Protocol::UDP => put(out, b"\"udp\""),
        other => text(out, &other.to_string()),
    }
}

/// What it says behind the length.
fn tail(out: &mut Vec<u8>, way: &Way) {
    put(out, b",\"hook\":");
    optional_text(out, way.hook.map(Hook::chain_name));
    put(out, b",\"in\":");
    optional_text(out, device(&way.in_device));
    put(out, b",\"out\":");
    optional_text(out, device(&way.out_device));
    put(out, b",\"mark\":");
    number(out, way.mark.into());
    put(out, b",\"unknown\":[],\"emitted\":[],\"evidence\":null}");
}

fn optional_number(out: &mut Vec<u8>, value: Option<u64>) {
    match value {
        Some(value) => number(out, value),
        None => put(out, b"null"),
    }
}
