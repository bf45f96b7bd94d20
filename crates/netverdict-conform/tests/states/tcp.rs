//! TCP: every state, every set of flags, four places relative to the window.

use netverdict_forge::random::packet::flag::{ACK, FIN, PSH, RST, SYN, URG};
use netverdict_forge::random::packet::{Ip, Tcp};

use super::{Client, Conversation, Server, Side, agree};

/// A segment to come: who, flags, bytes of data.
type Segment = (Side, u8, usize);

/// Ways into every state.
const WAYS: [(&str, &[Segment]); 19] = [
    ("nothing", &[]),
    ("SYN_SENT", &[(Client, SYN, 0)]),
    ("SYN_RECV", &[(Client, SYN, 0), (Server, SYN | ACK, 0)]),
    ("SYN_SENT2", &[(Client, SYN, 0), (Server, SYN, 0)]),
    (
        "SYN_RECV, both opened",
        &[(Client, SYN, 0), (Server, SYN, 0), (Client, SYN | ACK, 0)],
    ),
    ("challenged", &[(Client, SYN, 0), (Server, ACK, 0)]),
    ("ESTABLISHED, picked up", &[(Client, ACK, 5)]),
    (
        "ESTABLISHED, picked up and answered",
        &[(Client, ACK, 5), (Server, ACK, 7)],
    ),
    (
        "ESTABLISHED",
        &[(Client, SYN, 0), (Server, SYN | ACK, 0), (Client, ACK, 0)],
    ),
    (
        "ESTABLISHED, data",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Client, ACK | PSH, 9),
            (Server, ACK, 0),
        ],
    ),
    (
        "FIN_WAIT",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Client, FIN | ACK, 0),
        ],
    ),
    (
        "FIN_WAIT by the server",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Server, FIN | ACK, 0),
        ],
    ),
    ("FIN_WAIT, picked up", &[(Client, FIN | ACK, 0)]),
    (
        "CLOSE_WAIT",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Client, FIN | ACK, 0),
            (Server, ACK, 0),
        ],
    ),
    (
        "LAST_ACK",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Client, FIN | ACK, 0),
            (Server, FIN | ACK, 0),
        ],
    ),
    (
        "TIME_WAIT",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Client, FIN | ACK, 0),
            (Server, FIN | ACK, 0),
            (Client, ACK, 0),
        ],
    ),
    (
        "CLOSE",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Client, RST, 0),
        ],
    ),
    (
        "CLOSE by the server",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Server, RST | ACK, 0),
        ],
    ),
    (
        "LAST_ACK, reopened",
        &[
            (Client, SYN, 0),
            (Server, SYN | ACK, 0),
            (Client, ACK, 0),
            (Client, FIN | ACK, 0),
            (Server, FIN | ACK, 0),
            (Client, SYN, 0),
        ],
    ),
];

/// What then comes: flags and bytes of data.
const KINDS: [(u8, usize); 14] = [
    (SYN, 0),
    (SYN | ACK, 0),
    (FIN, 0),
    (FIN | ACK, 0),
    (FIN | ACK, 3),
    (ACK, 0),
    (ACK | PSH, 11),
    (RST, 0),
    (RST | ACK, 0),
    (0, 0),
    (ACK | URG, 2),
    (SYN | URG, 0),
    (SYN | FIN, 0),
    (PSH, 1),
];

/// How far sequence and acknowledgement are from where they belong: right, a keepalive's, beyond the window, of data that
/// was never sent, long past.
const SHIFTS: [(i32, i32); 5] = [
    (0, 0),
    (-1, 0),
    (1_000_000, 0),
    (0, 1000),
    (-200_000, -200_000),
];

/// A connection under way.
struct Talk {
    port: u16,
    next: [u32; 2],
    packets: Conversation,
}

impl Talk {
    fn new(port: u16) -> Self {
        Self {
            port,
            next: [1_000_000, 4_294_000_000],
            packets: Vec::new(),
        }
    }

    fn say(&mut self, (side, flags, len): Segment, (seq, ack): (i32, i32)) {
        let [source, destination] = match side {
            Client => [self.port, 80],
            Server => [80, self.port],
        };
        let (own, peer) = (side as usize, side.other() as usize);
        let ip = Ip::new(side.address(), side.other().address());
        let tcp = Tcp {
            source,
            destination,
            seq: self.next[own].wrapping_add_signed(seq),
            ack: match flags & ACK {
                0 => 0,
                _ => self.next[peer].wrapping_add_signed(ack),
            },
            flags,
            window: 8000,
            data: vec![b'.'; len],
            ..Tcp::default()
        };
        self.packets.push((side, tcp.packet(&ip)));
        if seq == 0 {
            let controls = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
            self.next[own] = self.next[own].wrapping_add(len as u32 + controls);
        }
    }
}

/// Every kind of packet from either side behind one way, each on a connection of its own; then an acknowledgement from the
/// other side, which shows what the packet left behind, and one more.
fn probes(way: &[Segment]) -> Vec<Conversation> {
    let mut all = Vec::new();
    for side in [Client, Server] {
        for kind in KINDS {
            for shift in SHIFTS {
                for afterwards in [&[][..], &[side.other()], &[side.other(), side]] {
                    let mut talk = Talk::new(1024 + all.len() as u16);
                    for segment in way {
                        talk.say(*segment, (0, 0));
                    }
                    talk.say((side, kind.0, kind.1), shift);
                    for side in afterwards {
                        talk.say((*side, ACK, 0), (0, 0));
                    }
                    all.push(talk.packets);
                }
            }
        }
    }
    all
}

fn every_state(sysctls: &[&str]) {
    for (name, way) in WAYS {
        agree(name, sysctls, probes(way));
    }
}

#[test]
fn every_packet_in_every_state() {
    every_state(&[]);
}

#[test]
fn every_packet_in_every_state_without_windows() {
    every_state(&["net.netfilter.nf_conntrack_tcp_be_liberal=1"]);
}

#[test]
fn every_packet_in_every_state_without_picking_up() {
    every_state(&["net.netfilter.nf_conntrack_tcp_loose=0"]);
}

#[test]
fn every_packet_in_every_state_with_any_reset() {
    every_state(&[
        "net.netfilter.nf_conntrack_tcp_ignore_invalid_rst=1",
        "net.netfilter.nf_conntrack_tcp_max_retrans=1",
    ]);
}
