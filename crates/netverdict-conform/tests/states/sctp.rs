//! SCTP: every state, every kind of chunk, right tags and wrong ones.

use netverdict_forge::random::packet::{self, Ip};
use netverdict_net::Protocol;

use super::{Client, Conversation, Server, Side, agree};

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const HEARTBEAT: u8 = 4;
const HEARTBEAT_ACK: u8 = 5;
const ABORT: u8 = 6;
const SHUTDOWN: u8 = 7;
const SHUTDOWN_ACK: u8 = 8;
const ERROR: u8 = 9;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const SHUTDOWN_COMPLETE: u8 = 14;

const KINDS: [u8; 13] = [
    DATA,
    INIT,
    INIT_ACK,
    SACK,
    HEARTBEAT,
    HEARTBEAT_ACK,
    ABORT,
    SHUTDOWN,
    SHUTDOWN_ACK,
    ERROR,
    COOKIE_ECHO,
    COOKIE_ACK,
    SHUTDOWN_COMPLETE,
];

/// What the packet carries as its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// The one that belongs there.
    Right,
    /// Another.
    Wrong,
    /// None.
    Zero,
    /// The sender's own, and the chunk's T bit says so.
    Reflected,
}

const OPENED: [(Side, u8); 4] = [
    (Client, INIT),
    (Server, INIT_ACK),
    (Client, COOKIE_ECHO),
    (Server, COOKIE_ACK),
];

/// A state, how much of the opening leads to it, and what then.
type Way = (&'static str, usize, &'static [(Side, u8)]);

/// Ways into every state.
const WAYS: [Way; 15] = [
    ("nothing", 0, &[]),
    ("COOKIE_WAIT", 1, &[]),
    ("COOKIE_WAIT, answered", 2, &[]),
    ("COOKIE_ECHOED", 3, &[]),
    ("ESTABLISHED", 4, &[]),
    ("SHUTDOWN_SENT", 4, &[(Client, SHUTDOWN)]),
    ("SHUTDOWN_RECD", 4, &[(Server, SHUTDOWN)]),
    (
        "SHUTDOWN_ACK_SENT",
        4,
        &[(Client, SHUTDOWN), (Server, SHUTDOWN_ACK)],
    ),
    (
        "CLOSED",
        4,
        &[
            (Client, SHUTDOWN),
            (Server, SHUTDOWN_ACK),
            (Client, SHUTDOWN_COMPLETE),
        ],
    ),
    ("CLOSED by ABORT", 4, &[(Client, ABORT)]),
    ("CLOSED by ABORT before", 1, &[(Server, ABORT)]),
    ("HEARTBEAT_SENT", 0, &[(Client, HEARTBEAT)]),
    (
        "ESTABLISHED by heartbeats",
        0,
        &[(Client, HEARTBEAT), (Server, HEARTBEAT_ACK)],
    ),
    ("both opened", 1, &[(Server, INIT)]),
    ("restarted", 4, &[(Client, INIT), (Server, INIT_ACK)]),
];

fn tag_of(side: Side) -> u32 {
    match side {
        Client => 0x1111_0001,
        Server => 0x2222_0002,
    }
}

fn body(kind: u8, side: Side) -> Vec<u8> {
    match kind {
        DATA => vec![0; 13],
        INIT | INIT_ACK => {
            let mut body = tag_of(side).to_be_bytes().to_vec();
            body.extend([0, 1, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1]);
            body
        }
        SACK => vec![0; 12],
        HEARTBEAT | HEARTBEAT_ACK => vec![0, 1, 0, 8, 1, 2, 3, 4],
        SHUTDOWN | ERROR => vec![0, 0, 0, 4],
        COOKIE_ECHO => vec![7; 8],
        _ => Vec::new(),
    }
}

fn say(port: u16, side: Side, kinds: &[u8], tag: Tag) -> (Side, Vec<u8>) {
    let [source, destination] = match side {
        Client => [port, 3868],
        Server => [3868, port],
    };
    let number = match tag {
        Tag::Right if kinds == [INIT] => 0,
        Tag::Right => tag_of(side.other()),
        Tag::Wrong => 0x5555_5555,
        Tag::Zero => 0,
        Tag::Reflected => tag_of(side),
    };
    let flags = u8::from(tag == Tag::Reflected);
    let chunks: Vec<_> = kinds
        .iter()
        .map(|kind| (*kind, flags, body(*kind, side)))
        .collect();
    let ip = Ip::new(side.address(), side.other().address());
    let bytes = packet::sctp(source, destination, number, &chunks);
    (side, ip.packet(Protocol::SCTP, &bytes))
}

/// Every kind of packet from either side behind one way, alone or behind DATA, then two more with data.
fn probes(opening: usize, then: &[(Side, u8)]) -> Vec<Conversation> {
    let mut all: Vec<Conversation> = Vec::new();
    for side in [Client, Server] {
        for kind in KINDS {
            for tag in [Tag::Right, Tag::Wrong, Tag::Zero, Tag::Reflected] {
                for kinds in [&[kind][..], &[DATA, kind], &[kind, DATA]] {
                    let port = 1024 + all.len() as u16;
                    let way = OPENED.iter().take(opening).chain(then);
                    let mut talk: Conversation = way
                        .map(|(side, kind)| say(port, *side, &[*kind], Tag::Right))
                        .collect();
                    talk.push(say(port, side, kinds, tag));
                    talk.push(say(port, side.other(), &[DATA], Tag::Right));
                    talk.push(say(port, side, &[COOKIE_ACK], Tag::Right));
                    all.push(talk);
                }
            }
        }
    }
    all
}

#[test]
fn every_chunk_in_every_state() {
    for (name, opening, then) in WAYS {
        agree(name, &[], probes(opening, then));
    }
}
