//! What one host says of one packet: the part of a record that is compared.

use std::io;

use std::sync::mpsc::SyncSender;

use netverdict_capture::{Direction, Frame};
use netverdict_engine::{FlowId, RuleRef, Transport};
use netverdict_net::{Device, Timestamp};
use netverdict_replay::{Cause, Fate, FrameRef, Record, Sink, Verdict};

use crate::rules::Keys;

/// How many packets go to the comparison at a time.
const BATCH: usize = 1024;

/// One host's view of one packet.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) position: u64,
    pub(crate) frame: FrameRef,
    pub(crate) time: Timestamp,
    pub(crate) interface: Device,
    pub(crate) direction: Direction,
    pub(crate) len: u32,
    pub(crate) transport: Option<Transport>,
    pub(crate) verdict: Verdict,
    pub(crate) fate: Fate,
    pub(crate) rule: Option<RuleRef>,
    /// Which rule it is, the same number for the same rule of both hosts.
    pub(crate) key: Option<u32>,
    pub(crate) cause: Option<Cause>,
    pub(crate) nat: Option<Transport>,
    pub(crate) mark: u32,
    pub(crate) out: Device,
    pub(crate) flow: Option<FlowId>,
}

impl Seen {
    fn of(record: &Record, keys: &Keys) -> Self {
        Self {
            position: record.position,
            frame: record.frame,
            time: record.time,
            interface: record.interface,
            direction: record.direction,
            len: record.len,
            transport: record.transport,
            verdict: record.verdict,
            fate: record.fate,
            rule: record.rule,
            key: record.rule.and_then(|rule| keys.get(&rule).copied()),
            cause: record.cause,
            nat: record.nat.map(|nat| nat.after),
            mark: record.mark,
            out: record.out_device,
            flow: record.flow,
        }
    }

    /// Whether the packet is on its way, or has arrived, in the end.
    pub(crate) const fn goes_on(&self) -> bool {
        matches!(self.fate, Fate::Local | Fate::Forwarded | Fate::Sent)
    }

    /// The header that it leaves with.
    pub(crate) fn leaves_as(&self) -> Option<Transport> {
        self.nat.or(self.transport)
    }

    /// Who decided.
    pub(crate) const fn decider(&self) -> (Option<u32>, Option<Cause>) {
        (self.key, self.cause)
    }
}

/// Hands what a host says of each packet to the comparison, which runs beside it.
#[derive(Debug)]
pub(crate) struct Feed<'k> {
    keys: &'k Keys,
    to: SyncSender<Vec<Seen>>,
    batch: Vec<Seen>,
}

impl<'k> Feed<'k> {
    pub(crate) fn new(keys: &'k Keys, to: SyncSender<Vec<Seen>>) -> Self {
        Self {
            keys,
            to,
            batch: Vec::with_capacity(BATCH),
        }
    }

    /// Hands over what is left.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.to.send(batch).map_err(gone)
    }
}

impl Sink for Feed<'_> {
    type Item = Seen;

    fn render(&self, record: &Record, _: &Frame<'_>) -> Seen {
        Seen::of(record, self.keys)
    }

    fn take(&mut self, _: &Record, seen: Seen) -> io::Result<()> {
        self.batch.push(seen);
        if self.batch.len() < BATCH {
            return Ok(());
        }
        self.flush()
    }
}
