//! Numbers of flows, in order of first appearance.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_net::Protocol;

use super::Rewind;
use super::journal::Journal;
use crate::{FlowId, Transport};

/// The flow that last used a pair of ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    flow: FlowId,
    /// The confirmed connection it was, if any.
    connection: Option<u64>,
}

/// Which number each flow got.
#[derive(Debug)]
pub(crate) struct Flows {
    next: u64,
    known: HashMap<Transport, Last, FixedState>,
    /// The key, what it held, and the next number before.
    journal: Journal<(Transport, Option<Last>, u64)>,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            next: 1,
            known: HashMap::with_hasher(FixedState::with_seed(0)),
            journal: Journal::default(),
        }
    }
}

impl Flows {
    /// The number of the flow between these ends, in whichever direction. `connection` is the serial number of the
    /// confirmed connection that the packet belongs to: another one between the same ends is another flow.
    pub(crate) fn number(&mut self, ends: Transport, connection: Option<u64>) -> FlowId {
        let key = sorted(ends);
        let last = self.known.get(&key).copied();
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
        if last != Some(now) {
            self.journal.note(|| (key, last, self.next));
            self.next = self.next.max(now.flow.0 + 1);
            self.known.insert(key, now);
        }
        now.flow
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
