//! One connection.

use std::net::IpAddr;

use netverdict_net::{Family, InterfaceName, Jiffies, Protocol};

use super::expect::Bindings;
use super::helper::{Helper, HelperState};
use super::policies::PolicyId;
use super::sctp::Sctp;
use super::seqadj::Shift;
use super::tcp::{Tcp, TcpState};
use super::{Direction, Status, Tuple, Zone};
use crate::remember::{Memo, PathId};

/// Packets and bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes from the IP header on.
    pub bytes: u64,
}

/// What the layer-4 tracker remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Memory {
    /// Nothing.
    #[default]
    None,
    Tcp(Tcp),
    Sctp(Sctp),
    /// From when on an answered flow counts as a stream.
    Udp {
        stream_from: i64,
    },
    /// The timeouts that were in force when it began.
    Gre {
        unreplied: i64,
        replied: i64,
    },
}

/// What few connections have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Extra {
    pub(crate) helper: Option<(Helper, HelperState)>,
    pub(crate) master: Option<Master>,
    /// The translation that an expected connection is still to be given.
    pub(crate) bindings: Option<Bindings>,
    /// By how much a helper shifted its sequence numbers.
    pub(crate) shifts: Option<[Shift; 2]>,
    /// The device that MASQUERADE took its address from.
    pub(crate) masquerade: Option<InterfaceName>,
    /// connlabel's bits.
    pub(crate) labels: u128,
    /// The timeouts that it was made with, if not the host's.
    pub(crate) policy: Option<PolicyId>,
    /// The tick at which it came into the table, where the kernel keeps that.
    pub(crate) started: Option<i64>,
}

/// What an expected connection keeps of the one that announced it, which it may outlive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Master {
    pub(crate) original: Tuple,
    pub(crate) helper: Option<&'static str>,
}

/// One connection (`struct nf_conn`). In this order, what every packet touches is in as few lines of memory as can be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Entry {
    tuples: [Tuple; 2],
    /// Absolute, once confirmed; before, the ticks it will then live.
    pub(super) timeout: i64,
    /// Its status bits.
    pub status: Status,
    /// Its mark (CONNMARK).
    pub mark: u32,
    /// Its zone.
    pub zone: Zone,
    /// The paths that its packets took last, by direction.
    pub(crate) paths: [Option<PathId>; 2],
    pub(super) memory: Memory,
    counters: Option<Box<[Counter; 2]>>,
    extra: Option<Box<Extra>>,
    /// Counts entries from the run's start.
    serial: u64,
    /// The number of its flow.
    pub(crate) memo: Memo,
}

impl Entry {
    pub(super) fn new(
        original: Tuple,
        reply: Tuple,
        zone: Zone,
        accounting: bool,
        serial: u64,
    ) -> Self {
        Self {
            tuples: [original, reply],
            status: Status(0),
            mark: 0,
            zone,
            timeout: 0,
            memory: Memory::None,
            counters: accounting.then(Box::default),
            extra: None,
            serial,
            paths: [None; 2],
            memo: Memo::NONE,
        }
    }

    /// The tuple of one direction. The reply's is the translated one.
    pub(crate) const fn tuple(&self, direction: Direction) -> &Tuple {
        let [original, reply] = &self.tuples;
        match direction {
            Direction::Original => original,
            Direction::Reply => reply,
        }
    }

    /// The first packet's tuple.
    pub(crate) const fn original(&self) -> &Tuple {
        self.tuple(Direction::Original)
    }

    /// The tuple of packets that flow back.
    pub(crate) const fn reply(&self) -> &Tuple {
        self.tuple(Direction::Reply)
    }

    pub(crate) const fn set_reply(&mut self, reply: Tuple) {
        self.tuples[1] = reply;
    }

    /// The layer-4 protocol.
    pub(crate) const fn protocol(&self) -> Protocol {
        self.original().protocol
    }

    /// The address family.
    pub(crate) const fn family(&self) -> Family {
        self.original().family
    }

    /// A number that no other entry of the run has.
    pub(crate) const fn serial(&self) -> u64 {
        self.serial
    }

    /// Whether nothing was said of it yet, by a template, a helper or a zone.
    pub(crate) fn is_bare(&self) -> bool {
        self.status == Status(0)
            && self.mark == 0
            && self.extra.is_none()
            && self.zone == Zone::default()
    }

    /// Whether packets of it are, but for its tuples, status and mark, like those of any other: it has no zone, no helper,
    /// and nobody announced it.
    pub(crate) fn is_ordinary(&self) -> bool {
        self.zone == Zone::default()
            && self.extra.as_ref().is_none_or(|extra| {
                extra.helper.is_none()
                    && extra.master.is_none()
                    && extra.bindings.is_none()
                    && extra.shifts.is_none()
            })
    }

    /// The device that MASQUERADE took its address from.
    pub(crate) fn masquerade(&self) -> Option<InterfaceName> {
        self.extra.as_ref()?.masquerade
    }

    /// The same under another number.
    pub(super) fn numbered(self, serial: u64) -> Self {
        Self { serial, ..self }
    }

    /// Whether it is in the table.
    pub(crate) const fn is_confirmed(&self) -> bool {
        self.status.contains(Status::CONFIRMED)
    }

    /// Ticks left; of an unconfirmed entry those it will start with.
    pub(crate) const fn ticks_left(&self, now: Jiffies) -> i64 {
        if self.is_confirmed() {
            let left = self.timeout - now.0;
            if left > 0 { left } else { 0 }
        } else {
            self.timeout
        }
    }

    /// What `--ctexpire` compares: whole seconds left. 0 before confirmation, when the kernel compares a span with a
    /// point in time.
    pub(crate) const fn expires_seconds(&self, now: Jiffies, hz: u32) -> u32 {
        if self.is_confirmed() && hz > 0 {
            (self.ticks_left(now) / hz as i64) as u32
        } else {
            0
        }
    }

    pub(super) const fn is_expired(&self, now: Jiffies) -> bool {
        self.timeout <= now.0
    }

    /// Packets and bytes by direction, where accounting was on when it began.
    pub(crate) fn counters(&self) -> Option<&[Counter; 2]> {
        self.counters.as_deref()
    }

    pub(super) fn set_counters(&mut self, counters: Option<[Counter; 2]>) {
        self.counters = counters.map(Box::new);
    }

    #[inline]
    pub(crate) fn count(&mut self, direction: Direction, bytes: usize) {
        if let Some(counters) = &mut self.counters {
            let counter = &mut counters[direction.index()];
            counter.packets += 1;
            counter.bytes += bytes as u64;
        }
    }

    /// Counts a packet and lets the connection live `ticks` from now (`nf_ct_refresh_acct`).
    #[inline]
    pub(super) fn refresh(&mut self, direction: Direction, bytes: usize, ticks: i64, now: Jiffies) {
        self.set_timeout(ticks, now);
        self.count(direction, bytes);
    }

    #[inline]
    pub(super) const fn set_timeout(&mut self, ticks: i64, now: Jiffies) {
        if !self.status.contains(Status::FIXED_TIMEOUT) {
            self.timeout = if self.is_confirmed() {
                now.0 + ticks
            } else {
                ticks
            };
        }
    }

    /// The TCP state, of a TCP connection.
    pub(crate) const fn tcp_state(&self) -> Option<TcpState> {
        match &self.memory {
            Memory::Tcp(tcp) => Some(tcp.state),
            _ => None,
        }
    }

    /// The state that `conntrack -L` prints, for protocols that have one.
    pub(crate) const fn protocol_state(&self) -> Option<&'static str> {
        match &self.memory {
            Memory::Tcp(tcp) => Some(tcp.state.name()),
            Memory::Sctp(sctp) => Some(sctp.state.name()),
            _ => None,
        }
    }

    /// Whether its time is over.
    pub(crate) const fn is_over(&self, now: Jiffies) -> bool {
        self.is_confirmed() && self.is_expired(now)
    }

    /// Whether its first side's data is ahead of an older connection's, both TCP.
    pub(crate) const fn is_ahead_of(&self, old: &Self) -> bool {
        match (&self.memory, &old.memory) {
            (Memory::Tcp(new), Memory::Tcp(old)) => {
                let [new, _] = &new.sides;
                let [old, _] = &old.sides;
                (new.end.wrapping_sub(old.end) as i32) > 0
            }
            _ => false,
        }
    }

    /// Name of the helper of the connection that announced this one (`-m helper`).
    pub(crate) fn master_helper(&self) -> Option<&'static str> {
        self.extra.as_ref()?.master.as_ref()?.helper
    }

    /// The original tuple's source of the connection that announced this one, else its own (`-m cluster`).
    pub(crate) fn master_source(&self) -> IpAddr {
        let master = self.extra.as_ref().and_then(|extra| extra.master.as_ref());
        master.map_or_else(
            || self.original().source(),
            |master| master.original.source(),
        )
    }

    /// The name of its own helper.
    pub(crate) fn helper(&self) -> Option<Helper> {
        self.extra
            .as_ref()?
            .helper
            .as_ref()
            .map(|(helper, _)| *helper)
    }

    /// connlabel's bits.
    pub(crate) fn policy(&self) -> Option<PolicyId> {
        self.extra().and_then(|extra| extra.policy)
    }

    pub(crate) fn labels(&self) -> u128 {
        self.extra().map_or(0, |extra| extra.labels)
    }

    pub(crate) fn started(&self) -> Option<i64> {
        self.extra.as_ref()?.started
    }

    pub(crate) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub(crate) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }
}
