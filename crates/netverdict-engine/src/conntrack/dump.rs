//! A typed view of the table, as `conntrack -L -o extended` lists it, and connections taken over from such a list.

use netverdict_net::{Family, Jiffies, Protocol};

use crate::Transport;

use super::entry::Memory;
use super::sctp::Sctp;
use super::tcp::Tcp;
use super::{
    Conntrack, Counter, Direction, Entry, Helper, SctpState, Status, TcpState, Tuple, Zone,
};

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
    /// Whole seconds since it came into the table, where the kernel keeps that (`nf_conntrack_timestamp`).
    pub age: Option<u32>,
    /// The helper's name.
    pub helper: Option<&'static str>,
}

/// A connection that was there before the first packet, as a listing tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownConnection<'k> {
    /// The first packet's tuple.
    pub original: Transport,
    /// The tuple of packets that flow back.
    pub reply: Transport,
    /// Seconds left.
    pub expires: u32,
    /// The TCP or SCTP state's name.
    pub state: Option<&'k str>,
    /// Whether a packet flowed back (no `[UNREPLIED]`).
    pub replied: bool,
    /// `[ASSURED]`.
    pub assured: bool,
    /// Packets and bytes, original and reply.
    pub counters: Option<[Counter; 2]>,
    /// The mark.
    pub mark: u32,
    /// The zone.
    pub zone: Zone,
    /// The helper's name; one that is not modelled is left out.
    pub helper: Option<&'k str>,
}

/// Why a connection cannot be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KnownConnectionError {
    /// TCP and SCTP have a state, and its name must be one of theirs.
    #[error("unknown {0} state `{1}`")]
    State(Protocol, String),
    /// The tuples are of two families or protocols.
    #[error("original and reply tuple do not belong together")]
    Tuples,
}

impl ConnectionView {
    fn of(entry: &Entry, now: Jiffies, hz: i64) -> Self {
        Self {
            family: entry.family(),
            protocol: entry.protocol(),
            expires: (entry.ticks_left(now) / hz) as u32,
            state: match &entry.memory {
                Memory::Tcp(tcp) => Some(ProtocolState::Tcp(tcp.state)),
                Memory::Sctp(sctp) => Some(ProtocolState::Sctp(sctp.state)),
                _ => None,
            },
            original: *entry.original(),
            reply: *entry.reply(),
            counters: entry.counters().copied(),
            status: entry.status,
            mark: entry.mark,
            zone: entry.zone,
            age: entry.started().map(|at| ((now.0 - at) / hz) as u32),
            helper: entry.helper().map(Helper::name),
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

    /// Puts a connection into the table that was there before the first packet. Of TCP the windows are not known, so it
    /// is judged liberally, as if picked up in mid-stream.
    pub(crate) fn take_over(
        &mut self,
        known: &KnownConnection<'_>,
    ) -> Result<(), KnownConnectionError> {
        let (original, reply) = (Tuple::of(&known.original), Tuple::of(&known.reply));
        if original.family != reply.family || original.protocol != reply.protocol {
            return Err(KnownConnectionError::Tuples);
        }
        let memory = memory(original.protocol, known.state)?;
        let id = self
            .table
            .allocate(|serial| Entry::new(original, reply, known.zone, false, serial));
        let hz = self.settings.hz;
        if let Some(entry) = self.table.get_mut(id) {
            entry.status = status(known, &original, &reply);
            entry.mark = known.mark;
            entry.timeout = i64::from(known.expires) * hz;
            entry.memory = memory;
            entry.set_counters(known.counters);
            if let Some(helper) = known.helper.and_then(Helper::from_name) {
                entry.extra_mut().helper = Some((helper, helper.resumed()));
            }
        }
        self.table.link(id, Direction::Original);
        self.table.link(id, Direction::Reply);
        self.table.add_source(id);
        Ok(())
    }
}

fn memory(protocol: Protocol, state: Option<&str>) -> Result<Memory, KnownConnectionError> {
    let unknown = || KnownConnectionError::State(protocol, state.unwrap_or("").to_owned());
    match protocol {
        Protocol::TCP => TcpState::ALL
            .into_iter()
            .find(|known| Some(known.name()) == state)
            .map(|known| Memory::Tcp(Tcp::resumed(known)))
            .ok_or_else(unknown),
        Protocol::SCTP => SctpState::ALL
            .into_iter()
            .find(|known| Some(known.name()) == state)
            .map(|known| Memory::Sctp(Sctp::resumed(known)))
            .ok_or_else(unknown),
        _ => Ok(Memory::None),
    }
}

/// What the listing shows, and which translations the two tuples show: a listed connection has its mapping.
fn status(known: &KnownConnection<'_>, original: &Tuple, reply: &Tuple) -> Status {
    let mut status = Status::CONFIRMED | Status::NAT_DONE;
    if known.replied {
        status.insert(Status::SEEN_REPLY);
    }
    if known.assured {
        status.insert(Status::ASSURED);
    }
    let Some(answered) = reply.invert() else {
        return status;
    };
    if (original.source, original.source_port) != (answered.source, answered.source_port) {
        status.insert(Status::SRC_NAT);
    }
    if (original.destination, original.destination_port)
        != (answered.destination, answered.destination_port)
    {
        status.insert(Status::DST_NAT);
    }
    status
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn ends(source: [u8; 4], sport: u16, destination: [u8; 4], dport: u16) -> Transport {
        Transport {
            source: IpAddr::from(source),
            destination: IpAddr::from(destination),
            protocol: Protocol::TCP,
            source_port: sport,
            destination_port: dport,
        }
    }

    #[test]
    fn a_connection_taken_over_is_listed_again() {
        let mut conntrack = Conntrack::default();
        let known = KnownConnection {
            original: ends([10, 0, 0, 2], 1000, [192, 0, 2, 1], 80),
            reply: ends([10, 1, 0, 2], 8080, [10, 0, 0, 2], 1000),
            expires: 431_999,
            state: Some("ESTABLISHED"),
            replied: true,
            assured: true,
            counters: None,
            mark: 7,
            zone: Zone::default(),
            helper: Some("ftp"),
        };
        conntrack.take_over(&known).unwrap();
        let [view] = &conntrack.list(Jiffies(0))[..] else {
            panic!("one connection");
        };
        assert_eq!(view.state, Some(ProtocolState::Tcp(TcpState::Established)));
        assert_eq!(
            (view.expires, view.mark, view.helper),
            (431_999, 7, Some("ftp"))
        );
        let shown = Status::SEEN_REPLY | Status::ASSURED | Status::DST_NAT;
        assert!(view.status.contains(shown) && !view.status.contains(Status::SRC_NAT));
        let odd = KnownConnection {
            state: Some("OPEN"),
            ..known
        };
        let error = conntrack.take_over(&odd).unwrap_err();
        assert_eq!(error.to_string(), "unknown tcp state `OPEN`");
    }
}
