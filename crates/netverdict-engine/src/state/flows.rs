//! Numbers of flows, in order of first appearance.
//!
//! Ends that have not been seen for as many other flows as are kept are forgotten, so that a flood of ends takes no more
//! than that; a connection keeps its number itself.

use std::net::IpAddr;
use std::num::NonZeroU64;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use netverdict_net::Protocol;

use super::Rewind;
use super::journal::Journal;
use crate::{FlowId, Transport};

/// The flow that last used a pair of ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    flow: FlowId,
    /// The confirmed connection it was, if any; none has the serial number 0.
    connection: Option<NonZeroU64>,
}

/// Two ends without an order, in few bytes where they can be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Ends {
    /// Addresses, ports and protocol.
    V4([u32; 4]),
    V6(Box<Transport>),
}

/// How many ends are kept at least. Twice as many are at most.
const KEPT: usize = 1 << 18;

type Known = HashMap<Ends, Last, RandomState>;

/// Which number each flow got.
#[derive(Debug)]
pub(crate) struct Flows {
    next: u64,
    known: Known,
    /// What `known` was when it was last full.
    older: Known,
    /// Counts how often a connection took over the ends of another, or ends grew old: what was known of flows may be over.
    epoch: u32,
    /// The key, what it held, and the next number before.
    journal: Journal<(Ends, Option<Last>, u64)>,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            next: 1,
            known: Known::default(),
            older: Known::default(),
            epoch: 0,
            journal: Journal::default(),
        }
    }
}

impl Flows {
    /// While this stays the same, a confirmed connection keeps its number.
    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The number of the flow between these ends, in whichever direction. `connection` is the serial number of the
    /// confirmed connection that the packet belongs to, and the flow that it was, if it ever was one: another one between
    /// the same ends is another flow.
    pub(crate) fn number(
        &mut self,
        ends: Transport,
        connection: Option<u64>,
        of_connection: Option<FlowId>,
    ) -> FlowId {
        let key = Ends::of(sorted(ends));
        let connection = connection.and_then(NonZeroU64::new);
        let here = self.known.get(&key).copied();
        let last = here
            .or_else(|| self.older.get(&key).copied())
            .or_else(|| of_connection.map(|flow| Last { flow, connection }));
        let now = match last {
            Some(last) if last.connection.is_none() || connection.is_none() => Last {
                flow: last.flow,
                connection: connection.or(last.connection),
            },
            Some(last) if last.connection == connection => last,
            _ => Last {
                flow: FlowId(self.next),
                connection,
            },
        };
        if last.is_some_and(|last| last.flow != now.flow) {
            self.epoch += 1;
        }
        if here != Some(now) {
            self.age();
            self.journal.note(|| (key.clone(), here, self.next));
            self.next = self.next.max(now.flow.0 + 1);
            self.known.insert(key, now);
        }
        now.flow
    }

    /// Makes room, but not while changes may have to be taken back.
    fn age(&mut self) {
        if self.known.len() >= KEPT && !self.journal.is_recording() {
            self.older = std::mem::take(&mut self.known);
            self.epoch += 1;
        }
    }
}

impl Ends {
    fn of(ends: Transport) -> Self {
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (ends.source, ends.destination) else {
            return Self::V6(Box::new(ends));
        };
        let ports = u32::from(ends.source_port) << 16 | u32::from(ends.destination_port);
        let protocol = u32::from(ends.protocol.0);
        Self::V4([source.to_bits(), destination.to_bits(), ports, protocol])
    }
}

/// The same ends, the lesser one first. Of ICMP only the id counts, whichever way it goes.
fn sorted(mut ends: Transport) -> Transport {
    let icmp = matches!(ends.protocol, Protocol::ICMP | Protocol::ICMPV6);
    if icmp {
        ends.destination_port = ends.source_port;
    }
    let turned = Transport {
        source: ends.destination,
        destination: ends.source,
        source_port: ends.destination_port,
        destination_port: ends.source_port,
        protocol: ends.protocol,
    };
    if (ends.source, ends.source_port) <= (turned.source, turned.source_port) {
        ends
    } else {
        turned
    }
}

impl Rewind for Flows {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (key, before, next) in self.journal.take().into_iter().rev() {
            self.next = next;
            match before {
                Some(last) => self.known.insert(key, last),
                None => self.known.remove(&key),
            };
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}
