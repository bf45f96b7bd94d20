//! PPTP (nf_conntrack_pptp.c, nf_nat_pptp.c, RFC 2637): the control connection names the call ids of the GRE packets to
//! come. The client is taken for the one that calls (PNS), and a connection has one call at a time.

use netverdict_net::Protocol;

use super::talk::Talk;
use super::{Direction, Help, unread};
use crate::conntrack::Conntrack;
use crate::conntrack::Tuple;
use crate::conntrack::expect::{Arrival, Expectation, GreKey};

/// `packetType` control, and the magic cookie.
const CONTROL: [u8; 6] = [0, 1, 0x1a, 0x2b, 0x3c, 0x4d];
/// Packet header and control header.
const HEADERS: usize = 12;
const DONE: u8 = 1;

const START_REQUEST: u16 = 1;
const START_REPLY: u16 = 2;
const STOP_REQUEST: u16 = 3;
const STOP_REPLY: u16 = 4;
const ECHO_REQUEST: u16 = 5;
const ECHO_REPLY: u16 = 6;
const OUT_CALL_REQUEST: u16 = 7;
const OUT_CALL_REPLY: u16 = 8;
const IN_CALL_REQUEST: u16 = 9;
const IN_CALL_REPLY: u16 = 10;
const IN_CALL_CONNECT: u16 = 11;
const CLEAR_REQUEST: u16 = 12;
const DISCONNECT: u16 = 13;
const WAN_ERROR: u16 = 14;
const SET_LINK_INFO: u16 = 15;

/// How long the body of each message must be, by its number.
const LENGTHS: [usize; 16] = [
    0, 144, 144, 4, 4, 0, 0, 156, 20, 208, 12, 16, 4, 136, 28, 12,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Session {
    #[default]
    None,
    Failed,
    Stopping,
    Requested,
    Confirmed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Call {
    #[default]
    None,
    OutRequested,
    OutConfirmed,
    InRequested,
    InReplied,
    InConfirmed,
    Clearing,
}

/// What is remembered of a control connection (`struct nf_ct_pptp_master`, `struct nf_nat_pptp`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Memory {
    session: Session,
    call: Call,
    /// The client's call id as the server knows it, and the server's.
    client: u16,
    server: u16,
    /// The client's call id as the client knows it, where that is another.
    inside: u16,
}

/// One control message.
#[derive(Debug, Clone, Copy)]
struct Message {
    kind: u16,
    /// The first words of the body.
    words: [u16; 2],
    /// Its fifth byte, a result in most; of a StartSessionReply the third, of a StopSessionReply the first.
    result: u8,
}

pub(super) fn help(talk: &mut Talk<'_, '_, '_>, memory: &mut Memory) -> Help {
    if !talk.is_established() || talk.len() < HEADERS {
        return Help::Accept;
    }
    let message = match talk.payload() {
        Ok(payload) => read(payload),
        Err(beyond) => return unread(beyond),
    };
    let Some(message) = message else {
        return Help::Accept;
    };
    let rewritten = match talk.direction {
        Direction::Original => outbound(talk, memory, message),
        Direction::Reply => inbound(talk, memory, message),
    };
    let Some((at, id)) = rewritten.filter(|_| talk.is_translated()) else {
        return Help::Accept;
    };
    if talk.replace(HEADERS + at, 2, &id.to_be_bytes()) {
        Help::Accept
    } else {
        Help::Drop
    }
}

fn read(payload: &[u8]) -> Option<Message> {
    (payload.get(2..8)? == CONTROL).then_some(())?;
    let kind = u16::from_be_bytes([payload[8], payload[9]]);
    let body = payload.get(HEADERS..)?;
    if LENGTHS
        .get(usize::from(kind))
        .is_some_and(|len| body.len() < *len)
    {
        return None;
    }
    let byte = |at: usize| body.get(at).copied().unwrap_or(0);
    let result = match kind {
        START_REPLY => 2,
        STOP_REPLY => 0,
        _ => 4,
    };
    Some(Message {
        kind,
        words: [
            u16::from_be_bytes([byte(0), byte(1)]),
            u16::from_be_bytes([byte(2), byte(3)]),
        ],
        result: byte(result),
    })
}

/// From the client: where in the body an id is to be written, and which, if the connection is translated.
fn outbound(
    talk: &Talk<'_, '_, '_>,
    memory: &mut Memory,
    message: Message,
) -> Option<(usize, u16)> {
    let [first, second] = message.words;
    match message.kind {
        START_REQUEST if memory.session == Session::None => {
            memory.session = Session::Requested;
            None
        }
        STOP_REQUEST => {
            memory.session = Session::Stopping;
            None
        }
        OUT_CALL_REQUEST if memory.session == Session::Confirmed => {
            memory.call = Call::OutRequested;
            memory.client = first;
            if talk.is_translated() {
                // The server is told the connection's port: no other client has the same.
                memory.inside = first;
                memory.client = talk.tuple(Direction::Reply).destination_port;
            }
            Some((0, memory.client))
        }
        IN_CALL_REPLY
            if matches!(memory.call, Call::InRequested | Call::InReplied)
                && memory.server == second =>
        {
            if message.result == DONE {
                memory.call = Call::InReplied;
                memory.client = first;
            } else {
                memory.call = Call::None;
            }
            Some((0, memory.client))
        }
        CLEAR_REQUEST if memory.session == Session::Confirmed => {
            memory.call = Call::Clearing;
            Some((0, memory.client))
        }
        _ => None,
    }
}

/// From the server, likewise.
fn inbound(
    talk: &mut Talk<'_, '_, '_>,
    memory: &mut Memory,
    message: Message,
) -> Option<(usize, u16)> {
    let [first, second] = message.words;
    let confirmed = memory.session == Session::Confirmed;
    let ok = message.result == DONE;
    match message.kind {
        START_REPLY if memory.session >= Session::Requested => {
            memory.session = if ok {
                Session::Confirmed
            } else {
                Session::Failed
            };
            None
        }
        STOP_REPLY if memory.session <= Session::Stopping => {
            memory.session = if ok { Session::None } else { Session::Failed };
            None
        }
        OUT_CALL_REPLY
            if confirmed
                && matches!(memory.call, Call::OutRequested | Call::OutConfirmed)
                && memory.client == second =>
        {
            if ok {
                memory.call = Call::OutConfirmed;
                memory.server = first;
                expect_call(talk, memory);
            } else {
                memory.call = Call::None;
            }
            Some((2, memory.inside))
        }
        IN_CALL_REQUEST if confirmed => {
            memory.call = Call::InRequested;
            memory.server = first;
            None
        }
        IN_CALL_CONNECT
            if confirmed
                && matches!(memory.call, Call::InReplied | Call::InConfirmed)
                && memory.client == first =>
        {
            memory.call = Call::InConfirmed;
            expect_call(talk, memory);
            Some((0, memory.inside))
        }
        DISCONNECT => {
            memory.call = Call::None;
            end_call(talk, memory);
            Some((0, memory.inside))
        }
        WAN_ERROR | SET_LINK_INFO => Some((0, memory.inside)),
        ECHO_REQUEST | ECHO_REPLY => None,
        _ => None,
    }
}

/// Expects the call's GRE packets both ways (`exp_gre`). What cannot be expected is left.
fn expect_call(talk: &mut Talk<'_, '_, '_>, memory: &Memory) {
    let (client, server) = (memory.client, memory.server);
    let near = if talk.is_translated() {
        memory.inside
    } else {
        client
    };
    let calls = (client, server);
    let new = |direction, keys: (u16, u16), saved| {
        let ends = *talk.tuple(direction);
        Expectation {
            saved: (0, saved),
            arrival: Arrival::Pptp { direction, calls },
            ..talk
                .expectation(Protocol::GRE, Some(ends.source), (ends.destination, keys.1))
                .with_source_port(keys.0)
        }
    };
    let out = new(Direction::Original, (near, server), client);
    let back = new(Direction::Reply, (server, client), near);
    let keys = [out.tuple, back.tuple];
    let Ok(first) = talk.expect(out) else {
        return;
    };
    let Ok(second) = talk.expect(back) else {
        talk.conntrack.unexpect(first);
        return;
    };
    let master = talk.id;
    let directions = [Direction::Original, Direction::Reply];
    for (added, (tuple, direction)) in keys.into_iter().zip(directions).enumerate() {
        let key = GreKey {
            master,
            direction,
            tuple,
        };
        let expectations = &mut talk.conntrack.expectations;
        if !expectations.add_key(key) {
            if added > 0 {
                expectations.forget_keys(master);
            }
            talk.conntrack.unexpect(second);
            talk.conntrack.unexpect(first);
            return;
        }
    }
}

/// The call is over: its data connection goes (`pptp_destroy_siblings`).
fn end_call(talk: &mut Talk<'_, '_, '_>, memory: &Memory) {
    let (master, now) = (talk.id, talk.cx.now.jiffies);
    talk.conntrack.expectations.forget_keys(master);
    let keys = [
        (Direction::Original, memory.client, memory.server),
        (Direction::Reply, memory.server, memory.client),
    ];
    for (direction, source_port, destination_port) in keys {
        let tuple = Tuple {
            source_port,
            destination_port,
            protocol: Protocol::GRE,
            ..*talk.tuple(direction)
        };
        talk.conntrack.end_sibling(master, &tuple, now);
    }
}

impl Conntrack {
    /// Ends the connection of a tuple, or takes back its expectation (`destroy_sibling_or_exp`).
    fn end_sibling(&mut self, master: crate::CtId, tuple: &Tuple, now: netverdict_net::Jiffies) {
        let Some(zone) = self.table.get(master).map(|entry| entry.zone) else {
            return;
        };
        if let Some((sibling, _)) = self.table.find(tuple, zone, now) {
            self.kill(sibling);
            self.release_entry(sibling);
        } else if let Some(id) = self.find_expectation(tuple, zone.id).map(|(id, _)| id) {
            self.unexpect(id);
        }
    }
}
