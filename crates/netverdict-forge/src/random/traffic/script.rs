//! What the sides of a flow will say, decided before the first word.

use netverdict_net::{Family, Protocol};

use super::super::packet::flag::{ACK, FIN, PSH, RST, SYN, URG};
use super::super::{Focus, Rng};

/// What kind of flow it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    /// TCP that speaks FTP.
    Ftp,
    Udp,
    Echo,
    /// ICMP messages that no echo is.
    Icmp,
    Sctp,
    UdpLite,
    /// Another protocol, with a plausible header.
    Other(Protocol),
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A TCP segment: flags and bytes of data.
    Tcp { flags: u8, data: u16 },
    /// A datagram with so many bytes of data.
    Datagram { data: u16 },
    /// An ICMP message: type and code; for echoes the other side's answer.
    Icmp { kind: u8, code: u8 },
    /// An SCTP packet with this chunk.
    Sctp { chunk: u8 },
    /// An ICMP error about the last packet that reached this side.
    Error,
    /// An ICMP error about a packet that nobody sent.
    Baseless,
    /// The last packet again.
    Again,
    /// A connection on the same ports, from a fresh sequence number.
    Reopen,
    /// FTP: where the other side is to connect to.
    Announce,
    /// A segment to where the other side said.
    Connect { flags: u8 },
}

/// What is wrong with how it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Warp {
    None,
    /// The transport checksum is off by something.
    Checksum,
    /// The IPv4 header checksum is.
    IpChecksum,
    /// The transport header is cut.
    Short,
    /// TCP: the sequence number is off by so much.
    Sequence(i32),
    /// TCP: the acknowledgement number is.
    Acknowledgement(i32),
    /// TCP: a closed or tiny window.
    Window(u16),
    /// TCP: options of odd shape.
    Options,
    /// Sent in fragments.
    Fragments(Order),
    /// A TTL that runs out here.
    Ttl(u8),
    /// A marked TOS byte.
    Tos(u8),
    /// IPv4 options, or IPv6 extension headers.
    Headers,
    /// Bytes behind the IP packet, as Ethernet pads short frames.
    Padding,
}

/// In which order fragments arrive, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Straight,
    Reversed,
    Overlapping,
    Missing,
    Doubled,
}

/// One packet to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub(super) side: usize,
    pub(super) word: Word,
    pub(super) warp: Warp,
}

impl Move {
    pub(super) fn new(side: usize, word: Word) -> Self {
        Self {
            side,
            word,
            warp: Warp::None,
        }
    }

    pub(super) fn tcp(side: usize, flags: u8, data: u16) -> Self {
        Self::new(side, Word::Tcp { flags, data })
    }
}

impl Kind {
    pub(super) fn draw(rng: &mut Rng, family: Family) -> Self {
        match rng.below(100) {
            0..=49 => Self::Tcp,
            50..=67 => Self::Udp,
            68..=77 => Self::Echo,
            78..=82 => Self::Icmp,
            83..=88 => Self::Sctp,
            89..=90 => Self::UdpLite,
            _ => Self::Other(*rng.pick(match family {
                Family::V4 => &[
                    Protocol::GRE,
                    Protocol::ESP,
                    Protocol::AH,
                    Protocol::DCCP,
                    Protocol::IPCOMP,
                    Protocol(89),
                    Protocol::IGMP,
                    Protocol(253),
                ],
                Family::V6 => &[
                    Protocol::GRE,
                    Protocol::ESP,
                    Protocol::AH,
                    Protocol::DCCP,
                    Protocol::IPCOMP,
                    Protocol(89),
                    Protocol::NONE,
                    Protocol(253),
                ],
            })),
        }
    }

    /// The flows that a match reads the header of, where most have none.
    pub(super) fn for_match(name: &str) -> Option<Self> {
        Some(match name {
            "helper" => Self::Ftp,
            "mh" => Self::Other(Protocol(135)),
            "sctp" => Self::Sctp,
            "dccp" => Self::Other(Protocol::DCCP),
            "esp" => Self::Other(Protocol::ESP),
            "ah" => Self::Other(Protocol::AH),
            "ipcomp" => Self::Other(Protocol::IPCOMP),
            "udp" => Self::Udp,
            "icmp" | "icmp6" => Self::Echo,
            "tcp" | "tcpmss" | "TCPMSS" | "TCPOPTSTRIP" | "ECN" => Self::Tcp,
            _ => return None,
        })
    }

    pub(super) fn protocol(self, family: Family) -> Protocol {
        match (self, family) {
            (Self::Tcp | Self::Ftp, _) => Protocol::TCP,
            (Self::Udp, _) => Protocol::UDP,
            (Self::Echo | Self::Icmp, Family::V4) => Protocol::ICMP,
            (Self::Echo | Self::Icmp, Family::V6) => Protocol::ICMPV6,
            (Self::Sctp, _) => Protocol::SCTP,
            (Self::UdpLite, _) => Protocol::UDPLITE,
            (Self::Other(protocol), _) => protocol,
        }
    }

    pub(super) fn may_be_group(self) -> bool {
        !matches!(self, Self::Tcp | Self::Ftp | Self::Sctp)
    }
}

/// A conversation of this kind, with its mishaps.
pub(super) fn script(rng: &mut Rng, kind: Kind, focus: Option<Focus>) -> Vec<Move> {
    let mut moves = match kind {
        Kind::Tcp => tcp(rng),
        Kind::Ftp => ftp(rng),
        Kind::Udp | Kind::UdpLite => datagrams(rng),
        Kind::Echo => echoes(rng),
        Kind::Icmp => messages(rng),
        Kind::Sctp => sctp(rng),
        Kind::Other(_) => datagrams(rng),
    };
    mishaps(rng, kind, focus, &mut moves);
    moves
}

fn tcp(rng: &mut Rng) -> Vec<Move> {
    let open = [
        Move::tcp(0, SYN, 0),
        Move::tcp(1, SYN | ACK, 0),
        Move::tcp(0, ACK, 0),
    ];
    let mut moves = open.to_vec();
    let talk = rng.between(0, 4);
    for _ in 0..talk {
        let side = rng.below(2) as usize;
        let data = *rng.pick(&[1, 18, 100, 536, 1400]);
        moves.push(Move::tcp(side, PSH | ACK, data));
        if rng.chance(70) {
            moves.push(Move::tcp(1 - side, ACK, 0));
        }
    }
    let first = rng.below(2) as usize;
    let close = [
        Move::tcp(first, FIN | ACK, 0),
        Move::tcp(1 - first, ACK, 0),
        Move::tcp(1 - first, FIN | ACK, 0),
        Move::tcp(first, ACK, 0),
    ];
    match rng.below(12) {
        0..=4 => moves.extend(close),
        // Abandoned.
        5 => {}
        6 => moves.push(Move::tcp(first, RST | ACK, 0)),
        7 => moves.push(Move::tcp(first, RST, 0)),
        // Refused.
        8 => moves = vec![open[0], Move::tcp(1, RST | ACK, 0), open[0]],
        // Never answered.
        9 => moves = vec![open[0], open[0], open[0]],
        // Seen from the middle.
        10 => {
            moves.drain(..rng.between(1, 3) as usize);
            moves.extend(close);
        }
        _ => {
            moves = vec![
                Move::tcp(0, SYN, 0),
                Move::tcp(1, SYN, 0),
                Move::tcp(0, SYN | ACK, 0),
                Move::tcp(1, SYN | ACK, 0),
                Move::tcp(0, ACK, 0),
                Move::tcp(1, ACK, 50),
            ];
        }
    }
    if rng.chance(15) {
        moves.push(Move::new(rng.below(2) as usize, Word::Reopen));
        moves.extend(open);
        moves.push(Move::tcp(0, PSH | ACK, 20));
        moves.push(Move::tcp(1, ACK, 0));
    }
    moves
}

/// A control connection, the announcement of a data connection by either side, and the data connection's first words.
fn ftp(rng: &mut Rng) -> Vec<Move> {
    let side = rng.below(2) as usize;
    let connect = |flags| Move::new(1 - side, Word::Connect { flags });
    vec![
        Move::tcp(0, SYN, 0),
        Move::tcp(1, SYN | ACK, 0),
        Move::tcp(0, ACK, 0),
        Move::new(side, Word::Announce),
        connect(SYN),
        connect(SYN),
        connect(ACK),
    ]
}

fn datagrams(rng: &mut Rng) -> Vec<Move> {
    let count = rng.between(1, 6);
    (0..count)
        .map(|number| {
            let side = usize::from(number > 0 && rng.chance(50));
            let data = *rng.pick(&[0, 1, 30, 100, 500, 1400]);
            Move::new(side, Word::Datagram { data })
        })
        .collect()
}

fn echoes(rng: &mut Rng) -> Vec<Move> {
    let word = |kind| Word::Icmp { kind, code: 0 };
    let mut moves = Vec::new();
    for _ in 0..rng.between(1, 4) {
        moves.push(Move::new(0, word(8)));
        if rng.chance(75) {
            moves.push(Move::new(1, word(0)));
        }
    }
    if rng.chance(10) {
        moves.remove(0);
    }
    if rng.chance(10) {
        moves.push(Move::new(1, word(8)));
    }
    moves
}

/// Timestamps, address masks, solicitations, and what no one knows. The numbers are IPv4's; the builder maps them.
fn messages(rng: &mut Rng) -> Vec<Move> {
    let kinds = [13, 14, 15, 17, 9, 10, 4, 40, 200, 0];
    (0..rng.between(1, 3))
        .map(|_| {
            let kind = *rng.pick(&kinds);
            let code = rng.below(3) as u8;
            Move::new(rng.below(2) as usize, Word::Icmp { kind, code })
        })
        .collect()
}

fn sctp(rng: &mut Rng) -> Vec<Move> {
    let say = |side, chunk| Move::new(side, Word::Sctp { chunk });
    let mut moves = vec![
        say(0, 1),
        say(1, 2),
        say(0, 10),
        say(1, 11),
        say(0, 0),
        say(1, 3),
    ];
    match rng.below(6) {
        0..=2 => moves.extend([say(0, 7), say(1, 8), say(0, 14)]),
        3 => moves.push(say(1, 6)),
        4 => moves.extend([say(0, 4), say(1, 5)]),
        _ => {
            moves.drain(..rng.between(1, 5) as usize);
        }
    }
    moves
}

/// Losses, repetitions, errors and warped packets.
fn mishaps(rng: &mut Rng, kind: Kind, focus: Option<Focus>, moves: &mut Vec<Move>) {
    let mut extra = Vec::new();
    let errors = if focus == Some(Focus::Nat) { 20 } else { 8 };
    for (at, step) in moves.iter_mut().enumerate() {
        if rng.chance(12) {
            step.warp = warp(rng, kind);
        }
        if focus == Some(Focus::Fragments) && rng.chance(35) {
            step.warp = Warp::Fragments(*rng.pick(&ORDERS));
        }
        if rng.chance(10) {
            extra.push((at + 1, Move::new(step.side, Word::Again)));
        }
        if rng.chance(errors) {
            extra.push((at + 1, Move::new(1 - step.side, Word::Error)));
        }
        if rng.chance(2) {
            extra.push((at + 1, Move::new(step.side, Word::Baseless)));
        }
        if kind == Kind::Tcp && rng.chance(4) {
            extra.push((at + 1, odd_segment(rng, step.side)));
        }
    }
    for (at, step) in extra.into_iter().rev() {
        moves.insert(at, step);
    }
    if rng.chance(12) && moves.len() > 1 {
        let lost = rng.below(moves.len() as u64) as usize;
        moves.remove(lost);
    }
    if rng.chance(6) && moves.len() > 2 {
        let at = rng.below(moves.len() as u64 - 1) as usize;
        moves.swap(at, at + 1);
    }
}

/// A segment that belongs nowhere: odd flags, or a number out of the window.
fn odd_segment(rng: &mut Rng, side: usize) -> Move {
    let flags = [
        0,
        FIN,
        SYN | FIN,
        SYN | RST,
        FIN | PSH | URG,
        0x3f,
        RST,
        RST | ACK,
        SYN,
        SYN | ACK,
        ACK,
        FIN | ACK,
    ];
    let mut step = Move::tcp(side, *rng.pick(&flags), 0);
    step.warp = match rng.below(4) {
        0 => Warp::Sequence(*rng.pick(&[-1, 1, 100_000, -100_000, 70_000])),
        1 => Warp::Acknowledgement(*rng.pick(&[-1, 1, 100_000, -100_000])),
        _ => Warp::None,
    };
    step
}

const ORDERS: [Order; 6] = [
    Order::Straight,
    Order::Straight,
    Order::Reversed,
    Order::Overlapping,
    Order::Missing,
    Order::Doubled,
];

fn warp(rng: &mut Rng, kind: Kind) -> Warp {
    if kind == Kind::Tcp && rng.chance(45) {
        return match rng.below(5) {
            0 => Warp::Window(*rng.pick(&[0, 1])),
            1 => Warp::Options,
            2 => Warp::Acknowledgement(*rng.pick(&[-1, 1, 1000, 100_000])),
            _ => Warp::Sequence(*rng.pick(&[-1, 1, -1000, 1000, 100_000, -100_000])),
        };
    }
    match rng.below(16) {
        0..=1 => Warp::Checksum,
        2 => Warp::IpChecksum,
        3..=4 => Warp::Short,
        5..=8 => Warp::Fragments(*rng.pick(&ORDERS)),
        9..=10 => Warp::Ttl(*rng.pick(&[0, 1, 2, 255])),
        11..=12 => Warp::Tos(*rng.pick(&[0x10, 0xb8, 0x02, 0x03, 0x28])),
        13..=14 => Warp::Headers,
        _ => Warp::Padding,
    }
}
