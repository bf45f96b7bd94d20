//! Which packets an expectation is about.

use std::net::IpAddr;

use foldhash::quality::FixedState;
use hashbrown::HashSet;
use netverdict_capture::Direction;
use netverdict_engine::{CtState, Transport};
use netverdict_net::{AddrMask, Device, InterfaceName, Protocol};
use netverdict_replay::{Record, has_ports};

/// Numbers from one to another, both included.
pub type Span = std::ops::RangeInclusive<u64>;

/// Tests that a packet passes if it passes each. Those of addresses and ports ask its header as it came.
#[derive(Debug, Clone, Default)]
pub struct Packets {
    /// Positions in the stream, from 1.
    pub packets: Vec<Span>,
    /// Lines of `packets` that made it, from 1.
    pub lines: Vec<Span>,
    pub flow: Option<Ends>,
    pub protocol: Option<Protocol>,
    pub source: Option<AddrMask>,
    pub destination: Option<AddrMask>,
    /// Source or destination.
    pub address: Option<AddrMask>,
    pub source_port: Vec<Span>,
    pub destination_port: Vec<Span>,
    /// Source or destination.
    pub port: Vec<Span>,
    pub iface: Option<InterfaceName>,
    pub direction: Option<Direction>,
    pub state: Vec<CtState>,
}

/// A flow's first header, or that of its replies: `tcp 198.51.100.7:40000 > 203.0.113.1:22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    pub protocol: Option<Protocol>,
    pub source: (IpAddr, Option<u16>),
    pub destination: (IpAddr, Option<u16>),
}

/// The flows that an expectation has met so far.
pub(crate) type Flows = HashSet<u64, FixedState>;

impl Packets {
    /// Whether a packet is one of them. `line` is the line that made it; `flows` remembers flows between packets.
    pub(crate) fn has(&self, record: &Record, line: Option<u64>, flows: &mut Flows) -> bool {
        let is_of_flow = self.flow.is_none_or(|ends| ends.has(record, flows));
        is_of_flow
            && within(&self.packets, Some(record.position))
            && within(&self.lines, line)
            && self.has_header(record)
            && self
                .iface
                .is_none_or(|iface| record.interface == Device::Named(iface))
            && self.direction.is_none_or(|way| record.direction == way)
            && (self.state.is_empty()
                || record
                    .state
                    .is_some_and(|state| self.state.contains(&state)))
    }

    fn has_header(&self, record: &Record) -> bool {
        let Some(header) = &record.transport else {
            return self.asks_no_header();
        };
        let ports = has_ports(header.protocol);
        let port = |port: u16| ports.then_some(u64::from(port));
        let (from, to) = (port(header.source_port), port(header.destination_port));
        let is_of = |mask: Option<AddrMask>, address| mask.is_none_or(|mask| is_in(mask, address));
        self.protocol.is_none_or(|p| p == header.protocol)
            && is_of(self.source, header.source)
            && is_of(self.destination, header.destination)
            && (is_of(self.address, header.source) || is_of(self.address, header.destination))
            && within(&self.source_port, from)
            && within(&self.destination_port, to)
            && (within(&self.port, from) || within(&self.port, to))
    }

    fn asks_no_header(&self) -> bool {
        self.protocol.is_none()
            && self.source.is_none()
            && self.destination.is_none()
            && self.address.is_none()
            && self.source_port.is_empty()
            && self.destination_port.is_empty()
            && self.port.is_empty()
    }
}

/// Whether a number is in one of the spans; any is where there are none.
fn within(spans: &[Span], number: Option<u64>) -> bool {
    spans.is_empty() || number.is_some_and(|n| spans.iter().any(|span| span.contains(&n)))
}

fn is_in(mask: AddrMask, address: IpAddr) -> bool {
    netverdict_net::Family::of(address) == mask.family() && mask.contains(address)
}

impl Ends {
    /// Whether a packet belongs to the flow: its header is the flow's in either direction, as it came or as it left, or an
    /// earlier packet of its connection was.
    fn has(&self, record: &Record, flows: &mut Flows) -> bool {
        let is_known = record.flow.is_some_and(|flow| flows.contains(&flow.0));
        let left = record.nat.as_ref().map(|nat| &nat.after);
        let is_it = is_known
            || record
                .transport
                .iter()
                .chain(left)
                .any(|header| self.is(header));
        if let Some(flow) = record.flow.filter(|_| is_it) {
            flows.insert(flow.0);
        }
        is_it
    }

    fn is(&self, header: &Transport) -> bool {
        let is_end = |end: (IpAddr, Option<u16>), address: IpAddr, port: u16| {
            end.0 == address && end.1.is_none_or(|p| p == port)
        };
        let (source, destination) = (self.source, self.destination);
        let is_way = |from, to| {
            is_end(from, header.source, header.source_port)
                && is_end(to, header.destination, header.destination_port)
        };
        self.protocol.is_none_or(|p| p == header.protocol)
            && (is_way(source, destination) || is_way(destination, source))
    }
}
