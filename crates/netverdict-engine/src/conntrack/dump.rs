//! A typed view of the table, as `conntrack -L -o extended` lists it, and entries read from such a list.

use netverdict_net::{Family, Jiffies, Protocol};

use super::{Conntrack, Counter, Entry, SctpState, Status, TcpState, Tuple, Zone};

/// A layer-4 state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolState {
    /// TCP's.
    Tcp(TcpState),
    /// SCTP's.
    Sctp(SctpState),
}

/// One connection to show or to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionView {
    /// Address family.
    pub family: Family,
    /// Layer-4 protocol.
    pub protocol: Protocol,
    /// Whole seconds left.
    pub expires: u32,
    /// The layer-4 state, where the protocol has one.
    pub state: Option<ProtocolState>,
    /// The first packet's tuple.
    pub original: Tuple,
    /// The tuple of packets that flow back.
    pub reply: Tuple,
    /// Packets and bytes, original and reply.
    pub counters: Option<[Counter; 2]>,
    /// Status bits.
    pub status: Status,
    /// The mark.
    pub mark: u32,
    /// The zone.
    pub zone: Zone,
    /// The helper's name.
    pub helper: Option<&'static str>,
}

/// Why a line is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// The protocol is neither a known name nor a number.
    #[error("expected a protocol, found `{0}`")]
    Protocol(String),
    /// A field is missing.
    #[error("missing `{0}`")]
    Missing(&'static str),
    /// A field's value cannot be read.
    #[error("`{0}` is not a value of `{1}`")]
    Value(String, &'static str),
    /// The TCP or SCTP state is unknown.
    #[error("unknown state `{0}`")]
    State(String),
    /// Original and reply are of different families.
    #[error("addresses of two families")]
    Family,
}

impl ConnectionView {
    fn of(entry: &Entry, now: Jiffies, hz: i64) -> Self {
        Self {
            family: entry.family(),
            protocol: entry.protocol(),
            expires: (entry.ticks_left(now) / hz) as u32,
            state: match &entry.memory {
                super::entry::Memory::Tcp(tcp) => Some(ProtocolState::Tcp(tcp.state)),
                super::entry::Memory::Sctp(sctp) => Some(ProtocolState::Sctp(sctp.state)),
                _ => None,
            },
            original: *entry.original(),
            reply: *entry.reply(),
            counters: entry.counters().copied(),
            status: entry.status,
            mark: entry.mark,
            zone: entry.zone,
            helper: entry.helper().map(super::Helper::name),
        }
    }
}

impl Conntrack {
    /// The table's connections in order of their making. Those found by answers only are not listed, as in the kernel.
    pub(crate) fn list(&self, now: Jiffies) -> Vec<ConnectionView> {
        self.table
            .confirmed()
            .into_iter()
            .filter(|(_, entry)| {
                !entry.is_expired(now) && !entry.status.contains(Status::NAT_CLASH)
            })
            .map(|(_, entry)| ConnectionView::of(entry, now, self.settings.hz))
            .collect()
    }
}
