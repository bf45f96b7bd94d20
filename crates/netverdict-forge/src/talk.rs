//! Conversations: what two parties say to each other, recorded on every leg of the path that a tape listens on.

use std::net::{IpAddr, SocketAddr};

use etherparse::TcpOptionElement;
use netverdict_net::{MacAddr, Timestamp};

use crate::tape::{Shot, Tape, Way};
use crate::wire::{self, Ip, Layer4, Segment, flag};

/// One party of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    Client,
    Server,
}

/// One place where the conversation is captured, with the addresses that both parties bear there (NAT may differ from
/// leg to leg). Legs are listed from the client to the server.
#[derive(Debug, Clone, Copy)]
pub struct Leg {
    /// Interface index on the tape.
    pub interface: usize,
    /// Which way the client's packets go here, seen from the capturing host.
    pub client_way: Way,
    pub client: SocketAddr,
    pub server: SocketAddr,
    /// The MAC address towards the client, and that towards the server.
    pub client_mac: MacAddr,
    pub server_mac: MacAddr,
}

/// What happens next in a TCP conversation.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// The whole three-way handshake.
    Open,
    /// Only the client's SYN, sent this many times (nobody answers).
    Knock(u32),
    /// A SYN that is answered by a reset.
    Refused,
    /// One party sends bytes, the other acknowledges.
    Say(Party, &'a [u8]),
    /// One party sends so many bytes in full segments; the other acknowledges every second one.
    Stream(Party, usize),
    /// One party sends the last segment again.
    Repeat(Party),
    /// Quiet for so many milliseconds.
    Wait(i64),
    /// One party closes, then the other.
    Close(Party),
    /// One party resets.
    Reset(Party),
}

const MSS: usize = 1448;

/// Plays conversations onto a tape, from a start time. Round trips take a few milliseconds, chosen from the seed.
#[derive(Debug)]
pub struct Player<'t> {
    tape: &'t mut Tape,
    random: u64,
}

impl<'t> Player<'t> {
    /// A player for this tape.
    pub fn new(tape: &'t mut Tape, seed: u64) -> Self {
        Self {
            tape,
            random: seed | 1,
        }
    }

    /// A number below `bound` (xorshift64*).
    pub fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound.max(1)
    }

    /// Sends one layer-4 message along all legs; returns when it has arrived.
    pub fn send(
        &mut self,
        legs: &[Leg],
        from: Party,
        time: Timestamp,
        id: u16,
        make: &dyn Fn(&Leg) -> Layer4,
    ) -> Timestamp {
        let mut now = time;
        let count = legs.len();
        for step in 0..count {
            let leg = &legs[if from == Party::Client {
                step
            } else {
                count - 1 - step
            }];
            let (source, destination) = match from {
                Party::Client => (leg.client.ip(), leg.server.ip()),
                Party::Server => (leg.server.ip(), leg.client.ip()),
            };
            let (source_mac, destination_mac) = match from {
                Party::Client => (leg.client_mac, leg.server_mac),
                Party::Server => (leg.server_mac, leg.client_mac),
            };
            let way = if (from == Party::Client) == (leg.client_way == Way::In) {
                Way::In
            } else {
                Way::Out
            };
            // A packet that the capturing host itself sends has a fresh TTL, one that it forwards has lost one.
            let ttl = if way == Way::In || step == 0 { 64 } else { 63 };
            let packet = wire::packet(Ip::new(source, destination).ttl(ttl).id(id), &make(leg));
            let frame = wire::ethernet(source_mac, destination_mac, &packet);
            self.tape.record(Shot {
                time: now,
                interface: leg.interface,
                way,
                frame,
            });
            now = now + 20_000 + (self.below(30) * 1000) as i64;
        }
        now
    }

    /// Plays a TCP conversation; returns when it is over.
    pub fn tcp(&mut self, legs: &[Leg], start: Timestamp, steps: &[Step<'_>]) -> Timestamp {
        let mut talk = Tcp {
            now: start,
            seq: [self.below(1 << 31) as u32, self.below(1 << 31) as u32],
            ids: [self.below(60_000) as u16, self.below(60_000) as u16],
            clocks: [self.below(1 << 24) as u32, self.below(1 << 24) as u32],
            last: None,
        };
        for step in steps {
            self.tcp_step(legs, &mut talk, *step);
        }
        talk.now
    }

    fn tcp_step(&mut self, legs: &[Leg], talk: &mut Tcp, step: Step<'_>) {
        match step {
            Step::Open => {
                self.segment(legs, talk, Party::Client, flag::SYN, &[]);
                self.segment(legs, talk, Party::Server, flag::SYN | flag::ACK, &[]);
                self.segment(legs, talk, Party::Client, flag::ACK, &[]);
            }
            Step::Knock(times) => {
                for attempt in 0..times {
                    self.segment(legs, talk, Party::Client, flag::SYN, &[]);
                    talk.seq[0] = talk.seq[0].wrapping_sub(1);
                    talk.now = talk.now + (1_000_000_000_i64 << attempt);
                }
            }
            Step::Refused => {
                self.segment(legs, talk, Party::Client, flag::SYN, &[]);
                self.segment(legs, talk, Party::Server, flag::RST | flag::ACK, &[]);
            }
            Step::Say(party, payload) => {
                self.segment(legs, talk, party, flag::PSH | flag::ACK, payload);
                self.segment(legs, talk, other(party), flag::ACK, &[]);
            }
            Step::Stream(party, bytes) => self.stream(legs, talk, party, bytes),
            Step::Repeat(party) => {
                if let Some((from, segment)) = talk.last.clone().filter(|(from, _)| *from == party)
                {
                    self.put(legs, talk, from, &segment);
                }
            }
            Step::Wait(milliseconds) => talk.now = talk.now + milliseconds * 1_000_000,
            Step::Close(party) => {
                self.segment(legs, talk, party, flag::FIN | flag::ACK, &[]);
                self.segment(legs, talk, other(party), flag::FIN | flag::ACK, &[]);
                self.segment(legs, talk, party, flag::ACK, &[]);
            }
            Step::Reset(party) => self.segment(legs, talk, party, flag::RST | flag::ACK, &[]),
        }
    }

    fn stream(&mut self, legs: &[Leg], talk: &mut Tcp, party: Party, bytes: usize) {
        let mut left = bytes;
        let mut count = 0;
        while left > 0 {
            let size = left.min(MSS);
            let body: Vec<u8> = (0..size).map(|i| b'a' + ((i + count) % 26) as u8).collect();
            self.segment(legs, talk, party, flag::ACK, &body);
            left -= size;
            count += 1;
            if count % 2 == 0 || left == 0 {
                self.segment(legs, talk, other(party), flag::ACK, &[]);
            }
        }
    }

    fn segment(&mut self, legs: &[Leg], talk: &mut Tcp, from: Party, flags: u8, payload: &[u8]) {
        let (me, you) = if from == Party::Client {
            (0, 1)
        } else {
            (1, 0)
        };
        let with_ack = flags & flag::ACK != 0;
        let mut options = Vec::new();
        if flags & flag::RST == 0 {
            let stamp = TcpOptionElement::Timestamp(
                talk.clocks[me],
                if with_ack { talk.clocks[you] } else { 0 },
            );
            if flags & flag::SYN != 0 {
                options.extend([
                    TcpOptionElement::MaximumSegmentSize(1460),
                    TcpOptionElement::SelectiveAcknowledgementPermitted,
                ]);
                options.extend([
                    stamp,
                    TcpOptionElement::Noop,
                    TcpOptionElement::WindowScale(7),
                ]);
            } else {
                options.extend([TcpOptionElement::Noop, TcpOptionElement::Noop, stamp]);
            }
        }
        let segment = Segment {
            seq: talk.seq[me],
            ack: if with_ack { talk.seq[you] } else { 0 },
            flags,
            window: if flags & flag::RST != 0 {
                0
            } else if flags & flag::SYN != 0 {
                64240
            } else {
                502
            },
            options,
            payload: payload.to_vec(),
            ..Segment::default()
        };
        self.put(legs, talk, from, &segment);
        let consumed = payload.len() as u32 + u32::from(flags & (flag::SYN | flag::FIN) != 0);
        talk.seq[me] = talk.seq[me].wrapping_add(consumed);
        talk.last = Some((from, segment));
    }

    fn put(&mut self, legs: &[Leg], talk: &mut Tcp, from: Party, segment: &Segment) {
        let me = usize::from(from == Party::Server);
        talk.ids[me] = talk.ids[me].wrapping_add(1);
        talk.clocks[me] = talk.clocks[me].wrapping_add(3);
        let id = talk.ids[me];
        let arrived = self.send(legs, from, talk.now, id, &|leg| {
            let (source, destination) = if from == Party::Client {
                (leg.client, leg.server)
            } else {
                (leg.server, leg.client)
            };
            Layer4::Tcp(Segment {
                source_port: source.port(),
                destination_port: destination.port(),
                ..segment.clone()
            })
        });
        talk.now = arrived + 200_000 + (self.below(4000) * 1000) as i64;
    }

    /// One datagram there and, if `answer` is given, one back; returns when it is over.
    pub fn udp(
        &mut self,
        legs: &[Leg],
        start: Timestamp,
        question: &[u8],
        answer: Option<&[u8]>,
    ) -> Timestamp {
        let id = self.below(60_000) as u16;
        let datagram = |from: Party, payload: &[u8], leg: &Leg| {
            let (source, destination) = if from == Party::Client {
                (leg.client, leg.server)
            } else {
                (leg.server, leg.client)
            };
            Layer4::Udp {
                source_port: source.port(),
                destination_port: destination.port(),
                payload: payload.to_vec(),
            }
        };
        let arrived = self.send(legs, Party::Client, start, id, &|leg| {
            datagram(Party::Client, question, leg)
        });
        let Some(answer) = answer else { return arrived };
        let later = arrived + 1_000_000 + (self.below(9000) * 1000) as i64;
        self.send(legs, Party::Server, later, id.wrapping_add(77), &|leg| {
            datagram(Party::Server, answer, leg)
        })
    }

    /// `count` echo requests a second apart, each answered or not; returns when it is over.
    pub fn ping(
        &mut self,
        legs: &[Leg],
        start: Timestamp,
        id: u16,
        count: u16,
        answered: bool,
    ) -> Timestamp {
        let mut now = start;
        for sequence in 1..=count {
            let echo = |from: Party, leg: &Leg| {
                let v4 = matches!(leg.client.ip(), IpAddr::V4(_));
                let kind = match (v4, from) {
                    (true, Party::Client) => 8,
                    (true, Party::Server) => 0,
                    (false, Party::Client) => 128,
                    (false, Party::Server) => 129,
                };
                let [a, b] = id.to_be_bytes();
                let [c, d] = sequence.to_be_bytes();
                Layer4::Icmp {
                    kind,
                    code: 0,
                    rest: [a, b, c, d],
                    payload: (0x10..0x48).collect(),
                }
            };
            let mut arrived = self.send(legs, Party::Client, now, 1000 + sequence, &|leg| {
                echo(Party::Client, leg)
            });
            if answered {
                arrived = self.send(
                    legs,
                    Party::Server,
                    arrived + 3_000_000,
                    2000 + sequence,
                    &|leg| echo(Party::Server, leg),
                );
            }
            now = arrived.max(now + 1_000_000_000);
        }
        now
    }

    /// Records one frame as it stands.
    pub fn frame(&mut self, time: Timestamp, interface: usize, way: Way, frame: Vec<u8>) {
        self.tape.record(Shot {
            time,
            interface,
            way,
            frame,
        });
    }
}

/// The moving parts of one TCP conversation; index 0 is the client's, 1 the server's.
#[derive(Debug)]
struct Tcp {
    now: Timestamp,
    seq: [u32; 2],
    ids: [u16; 2],
    clocks: [u32; 2],
    last: Option<(Party, Segment)>,
}

const fn other(party: Party) -> Party {
    match party {
        Party::Client => Party::Server,
        Party::Server => Party::Client,
    }
}

/// A DNS query for an A (or AAAA) record.
pub fn dns_query(id: u16, name: &str, aaaa: bool) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.extend([0, 0, if aaaa { 28 } else { 1 }, 0, 1]);
    bytes
}

/// The answer to [`dns_query`] with one address.
pub fn dns_answer(id: u16, name: &str, addr: IpAddr) -> Vec<u8> {
    let mut bytes = dns_query(id, name, addr.is_ipv6());
    bytes[2..4].copy_from_slice(&[0x81, 0x80]);
    bytes[7] = 1;
    bytes.extend([
        0xc0,
        12,
        0,
        if addr.is_ipv6() { 28 } else { 1 },
        0,
        1,
        0,
        0,
        1,
        44,
    ]);
    match addr {
        IpAddr::V4(a) => {
            bytes.extend([0, 4]);
            bytes.extend(a.octets());
        }
        IpAddr::V6(a) => {
            bytes.extend([0, 16]);
            bytes.extend(a.octets());
        }
    }
    bytes
}
