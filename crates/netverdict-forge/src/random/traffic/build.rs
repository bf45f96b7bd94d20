//! From a move to its packets.

use netverdict_net::{Family, Protocol};

use super::super::Rng;
use super::super::network::Network;
use super::super::packet::{self, Ip, Tcp, flag};
use super::script::{Kind, Move, Order, Warp, Word};
use super::{Flow, errors};

/// What payloads say: what string matches look for, and nothing.
const TEXTS: [&[u8]; 3] = [
    b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    b"hello HELLO",
    &[0, 1, b'x', 0, 0, 1, 0, 0],
];

impl Flow {
    /// The packet of a move, before it is warped as a whole.
    pub(super) fn build(
        &mut self,
        rng: &mut Rng,
        network: &Network,
        step: &Move,
    ) -> Option<Vec<u8>> {
        match step.word {
            Word::Tcp { flags, data } => Some(self.segment(rng, step, flags, data)),
            Word::Datagram { data } => Some(self.datagram(rng, step, data)),
            Word::Icmp { kind, code } => Some(self.message(rng, step, kind, code)),
            Word::Sctp { chunk } => Some(self.chunk(rng, step, chunk)),
            Word::Error => errors::about_received(rng, network, &self.sides[step.side]),
            Word::Baseless => Some(errors::baseless(rng, network, &self.sides[step.side])),
            Word::Announce => Some(self.announcement(rng, step)),
            Word::Connect { flags } => self.connection(rng, step, flags),
            Word::Again => self.sides[step.side].sent.clone(),
            Word::Reopen => {
                for side in &mut self.sides {
                    side.seq = side.seq.wrapping_add(rng.between(1, 5_000_000) as u32);
                }
                None
            }
        }
    }

    /// The header of a side's packet.
    pub(super) fn ip(&mut self, rng: &mut Rng, step: &Move) -> Ip {
        let side = &self.sides[step.side];
        let mut ip = Ip::new(side.own, side.peer);
        self.id = self.id.wrapping_add(1);
        // An id of 0 would be filled in by a sending kernel.
        ip.id = self.id.max(1);
        if rng.chance(20) {
            ip.fragment = 0;
        }
        ip.extensions.clone_from(&self.extensions);
        match step.warp {
            Warp::Ttl(ttl) => ip.ttl = ttl,
            Warp::Tos(tos) => ip.tos = tos,
            Warp::Headers => extra_headers(rng, self.family, &mut ip),
            _ => {}
        }
        ip
    }

    fn segment(&mut self, rng: &mut Rng, step: &Move, flags: u8, data: u16) -> Vec<u8> {
        let ip = self.ip(rng, step);
        let (side, other) = (step.side, 1 - step.side);
        let seq = self.sides[side].seq;
        let mut tcp = Tcp {
            source: self.sides[side].own_port,
            destination: self.sides[side].peer_port,
            seq,
            flags,
            window: rng.between(2000, 65535) as u16,
            options: options(rng, flags, self.sides[side].scale),
            data: payload(rng, data),
            ..Tcp::default()
        };
        if flags & flag::ACK != 0 {
            tcp.ack = self.sides[other].seq;
        }
        match step.warp {
            Warp::Sequence(by) => tcp.seq = tcp.seq.wrapping_add_signed(by),
            Warp::Acknowledgement(by) => tcp.ack = tcp.ack.wrapping_add_signed(by),
            Warp::Window(window) => tcp.window = window,
            Warp::Options => tcp.options = odd_options(rng),
            _ => {}
        }
        let moves_on = !matches!(step.warp, Warp::Sequence(_)) && flags & flag::RST == 0;
        if moves_on {
            let ends = u32::from(flags & flag::SYN != 0) + u32::from(flags & flag::FIN != 0);
            self.sides[side].seq = seq.wrapping_add(u32::from(data) + ends);
        }
        tcp.packet(&ip)
    }

    fn datagram(&mut self, rng: &mut Rng, step: &Move, data: u16) -> Vec<u8> {
        let ip = self.ip(rng, step);
        let side = &self.sides[step.side];
        let data = payload(rng, data);
        let (source, destination) = (side.own_port, side.peer_port);
        match self.kind {
            Kind::Udp => {
                let mut udp = packet::udp(&ip, source, destination, &data);
                if rng.chance(8) {
                    udp[6..8].copy_from_slice(&[0, 0]);
                }
                if rng.chance(4) {
                    // A length field that says more or less than there is.
                    let len = (udp.len() as u16).wrapping_add_signed(*rng.pick(&[-1, 1, -9, 100]));
                    udp[4..6].copy_from_slice(&len.to_be_bytes());
                }
                ip.packet(Protocol::UDP, &udp)
            }
            Kind::UdpLite => {
                let bytes = packet::udplite(&ip, source, destination, &data);
                ip.packet(Protocol::UDPLITE, &bytes)
            }
            kind => {
                let protocol = kind.protocol(self.family);
                let mut bytes = header_of(protocol, source, destination);
                bytes.extend(data);
                ip.packet(protocol, &bytes)
            }
        }
    }

    fn message(&mut self, rng: &mut Rng, step: &Move, kind: u8, code: u8) -> Vec<u8> {
        let ip = self.ip(rng, step);
        let side = &self.sides[step.side];
        let kind = match (self.family, kind) {
            (Family::V4, kind) => kind,
            (Family::V6, 8) => 128,
            (Family::V6, 0) => 129,
            (Family::V6, 13) => 139,
            (Family::V6, 14) => 140,
            (Family::V6, 9) => 133,
            (Family::V6, 10) => 136,
            (Family::V6, kind) => 100 + kind / 2,
        };
        let word = u32::from(side.own_port) << 16 | u32::from(self.id & 0xff);
        let len = *rng.pick(&[0, 12, 56, 1000]);
        let data = payload(rng, len);
        let bytes = packet::icmp(&ip, kind, code, word, &data);
        ip.packet(packet::icmp_protocol(side.own), &bytes)
    }

    fn chunk(&mut self, rng: &mut Rng, step: &Move, chunk: u8) -> Vec<u8> {
        let ip = self.ip(rng, step);
        let (own, other) = (&self.sides[step.side], &self.sides[1 - step.side]);
        let tag = match chunk {
            1 => 0,
            _ if rng.chance(6) => rng.next() as u32,
            _ => other.seq,
        };
        let value = match chunk {
            // INIT and INIT ACK carry the sender's own tag, a window, streams and a first TSN.
            1 | 2 => {
                let mut value = own.seq.to_be_bytes().to_vec();
                value.extend([0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 1]);
                value
            }
            0 => [&[0; 12][..], &payload(rng, 20)].concat(),
            3 => vec![0; 12],
            7 => vec![0, 0, 0, 1],
            10 => vec![7; 16],
            4 | 5 => vec![0, 1, 0, 8, 1, 2, 3, 4],
            _ => Vec::new(),
        };
        let flags = if chunk == 0 { 3 } else { 0 };
        let mut chunks = vec![(chunk, flags, value)];
        if chunk == 10 && rng.chance(30) {
            chunks.push((0, 3, vec![0; 20]));
        }
        let bytes = packet::sctp(own.own_port, own.peer_port, tag, &chunks);
        ip.packet(Protocol::SCTP, &bytes)
    }
}

fn payload(rng: &mut Rng, len: u16) -> Vec<u8> {
    let text = *rng.pick(&TEXTS);
    text.iter()
        .copied()
        .chain(std::iter::repeat(b'.'))
        .take(usize::from(len))
        .collect()
}

/// The start of a protocol's header, with as much as its tracker and its match read.
fn header_of(protocol: Protocol, source: u16, destination: u16) -> Vec<u8> {
    match protocol {
        Protocol::GRE => vec![0, 0, 8, 0],
        Protocol::ESP => vec![0, 0, 1, 0, 0, 0, 0, 1],
        Protocol::AH => {
            let mut bytes = vec![Protocol::UDP.0, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
            bytes.extend([0; 12]);
            bytes
        }
        Protocol::IPCOMP => vec![Protocol::TCP.0, 0, 0, 1],
        Protocol::DCCP => {
            let mut bytes = source.to_be_bytes().to_vec();
            bytes.extend(destination.to_be_bytes());
            // Data offset 4 words, a REQUEST with long sequence numbers.
            bytes.extend([4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
            bytes
        }
        // A binding update: nothing behind it, 16 bytes long.
        Protocol(135) => {
            let mut bytes = vec![Protocol::NONE.0, 1, 5, 0, 0, 0];
            bytes.extend([0; 10]);
            bytes
        }
        Protocol::IGMP => vec![0x16, 0, 0x09, 4, 224, 0, 0, 251],
        _ => Vec::new(),
    }
}

fn options(rng: &mut Rng, flags: u8, scale: u8) -> Vec<u8> {
    const STAMPS: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0];
    let mut bytes = Vec::new();
    if flags & flag::SYN == 0 {
        if rng.chance(40) {
            bytes.extend(STAMPS);
        }
        return bytes;
    }
    if rng.chance(85) {
        let mss = *rng.pick(&[1460_u16, 1400, 536, 9000]);
        bytes.extend([2, 4]);
        bytes.extend(mss.to_be_bytes());
    }
    if rng.chance(70) {
        bytes.extend([1, 1, 4, 2]);
    }
    if rng.chance(40) {
        bytes.extend(STAMPS);
    }
    if rng.chance(70) {
        bytes.extend([1, 3, 3, scale]);
    }
    bytes
}

fn odd_options(rng: &mut Rng) -> Vec<u8> {
    let odd: [&[u8]; 7] = [
        // Ends early.
        &[0, 2, 4, 5],
        // A length of zero, and one beyond the header.
        &[3, 0, 1, 1],
        &[8, 40, 1, 1],
        // A kind without a length at the very end.
        &[1, 1, 1, 4],
        // An MSS of the wrong length.
        &[2, 3, 5, 1],
        // One block acknowledged out of order.
        &[1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 20],
        &[19, 18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    ];
    rng.pick(&odd).to_vec()
}

fn extra_headers(rng: &mut Rng, family: Family, ip: &mut Ip) {
    if family == Family::V4 {
        let options: [&[u8]; 3] = [
            // Router alert; no-operation; one that nobody knows.
            &[148, 4, 0, 0],
            &[1, 1, 1, 1],
            &[30, 7, 4, 0, 0, 0, 0],
        ];
        ip.options = rng.pick(&options).to_vec();
        return;
    }
    ip.extensions = chain(rng, None);
}

/// Extension headers that all packets of a flow have: often where the case is about them.
pub(super) fn extensions(rng: &mut Rng, family: Family, aims: &[&str]) -> Vec<(u8, Vec<u8>)> {
    let mut about = aims.iter().filter_map(|aim| match *aim {
        "hbh" => Some(0),
        "dst" => Some(60),
        "rt" => Some(43),
        "frag" => Some(44),
        "srh" => Some(SEGMENTS),
        "ah" => Some(51),
        "ipv6header" => Some(60),
        _ => None,
    });
    let about = about.next_back();
    if family == Family::V4 || !rng.chance(if about.is_some() { 45 } else { 7 }) {
        return Vec::new();
    }
    chain(rng, about)
}

/// A routing header of type 4, which has the number of type 0.
const SEGMENTS: u8 = 143;

/// A segment routing header of two segments but its first byte (RFC 8754).
fn segments(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = vec![4, 4, rng.below(3) as u8, 1, 0, 0, *rng.pick(&[0, 7])];
    for host in [7, 8] {
        bytes.extend([0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    bytes
}

/// A chain of extension headers, with one of this kind if one is asked for.
fn chain(rng: &mut Rng, kind: Option<u8>) -> Vec<(u8, Vec<u8>)> {
    let pad = vec![0, 1, 4, 0, 0, 0, 0];
    let alert = vec![0, 5, 2, 0, 0, 1, 0];
    let both = vec![1, 1, 4, 0, 0, 0, 0, 5, 2, 0, 0, 1, 2, 0, 0];
    let mut routing = vec![2, *rng.pick(&[0, 2]), rng.below(2) as u8, 0, 0, 0, 0];
    routing.extend([0x20, 1, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    let mut auth = vec![4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    auth.extend([0; 12]);
    let atomic = vec![0, 0, 0, 0, 0, 0, 7];
    let options = [pad.clone(), alert, both];
    match kind.unwrap_or(*rng.pick(&[0, 60, 43, 1, 51, 44, SEGMENTS])) {
        SEGMENTS => vec![(43, segments(rng))],
        0 => vec![(0, rng.pick(&options).clone())],
        60 => vec![(60, rng.pick(&options).clone())],
        43 => vec![(43, routing)],
        51 => vec![(51, auth)],
        44 => vec![(44, atomic)],
        _ => vec![(0, pad.clone()), (60, pad), (43, routing)],
    }
}

/// Warps that take the whole packet.
pub(super) fn warp_packet(rng: &mut Rng, mut packet: Vec<u8>, warp: Warp) -> Vec<Vec<u8>> {
    let v4 = packet.first().is_some_and(|b| b >> 4 == 4);
    let header = if v4 {
        usize::from(packet.first().copied().unwrap_or(0x45) & 15) * 4
    } else {
        40
    };
    match warp {
        Warp::Checksum => {
            // The last byte is under every transport checksum.
            if packet.len() > header
                && let Some(last) = packet.last_mut()
            {
                *last ^= 0x55;
            }
        }
        Warp::IpChecksum if v4 => packet[10] ^= 0x55,
        Warp::Short => cut(&mut packet, header, rng.between(0, 16) as usize, v4),
        Warp::Fragments(order) => return pieces(rng, &packet, order, v4),
        Warp::Padding => packet.extend([0; 6]),
        _ => {}
    }
    vec![packet]
}

fn cut(packet: &mut Vec<u8>, header: usize, keep: usize, v4: bool) {
    packet.truncate(header + keep);
    let len = packet.len();
    if v4 {
        packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
        packet::fix_v4(packet);
    } else {
        packet[4..6].copy_from_slice(&((len - 40) as u16).to_be_bytes());
    }
}

fn pieces(rng: &mut Rng, packet: &[u8], order: Order, v4: bool) -> Vec<Vec<u8>> {
    let size = *rng.pick(&[8, 16, 24, 64, 512]);
    let cut = |size| {
        if v4 {
            packet::fragments_v4(packet, size)
        } else {
            packet::fragments_v6(packet, size, rng_id(packet))
        }
    };
    let mut all = cut(size);
    // Enough to be interesting, not so many that they are all the case.
    if all.len() > 6 {
        all = cut((packet.len() / 4).next_multiple_of(8));
    }
    match order {
        Order::Straight => {}
        Order::Reversed => all.reverse(),
        Order::Missing => {
            let lost = rng.below(all.len().max(1) as u64) as usize;
            if all.len() > 1 {
                all.remove(lost);
            }
        }
        Order::Doubled => {
            if let Some(first) = all.first().cloned() {
                all.insert(1, first);
            }
        }
        Order::Overlapping => {
            let other = cut(size * 2 + 8);
            if let Some(piece) = other.into_iter().nth(1) {
                all.insert(all.len() / 2 + 1, piece);
            }
        }
    }
    all
}

/// Fragments of one packet share an id; two packets rarely do.
fn rng_id(packet: &[u8]) -> u32 {
    packet.iter().fold(7, |id: u32, byte| {
        id.wrapping_mul(31).wrapping_add(u32::from(*byte))
    })
}
