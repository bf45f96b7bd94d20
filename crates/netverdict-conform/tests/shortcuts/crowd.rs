//! Crowds of connections: many hosts of few networks open, answer and close them, in order for the most part.

use std::net::{IpAddr, Ipv4Addr};

use netverdict_conform::Frame;
use netverdict_conform::rig::Direction;
use netverdict_forge::random::{Network, Nic, Rng};
use netverdict_forge::wire::{Ip, Layer4, Segment, ethernet, flag, packet};
use netverdict_net::{Family, Timestamp};

/// One end: an address and a port.
type End = (IpAddr, u16);

/// A connection under way.
struct Talk {
    client: End,
    server: End,
    /// Who answers whom, as the server's side sees them once the first packet left the host.
    seen: Option<(End, End)>,
    is_tcp: bool,
    sent: u32,
    numbers: [u32; 2],
    tos: u8,
}

/// What comes next.
pub(crate) struct Crowd<'n> {
    network: &'n Network,
    rng: Rng,
    talks: Vec<Talk>,
    /// The talk of the last frame, if its first packet.
    last: Option<usize>,
    time: i64,
}

impl<'n> Crowd<'n> {
    pub(crate) fn new(seed: u64, network: &'n Network) -> Self {
        Self {
            network,
            rng: Rng::new(seed, 77),
            talks: Vec::new(),
            last: None,
            time: 1_700_000_000 * Timestamp::SECOND,
        }
    }

    /// What the last frame's packet looked like when it left.
    pub(crate) fn observe(&mut self, left: &[u8]) {
        let Some(talk) = self.last.and_then(|at| self.talks.get_mut(at)) else {
            return;
        };
        let Some(ends) = left.get(12..24).filter(|_| left[0] == 0x45) else {
            return;
        };
        let address =
            |at: usize| IpAddr::from([ends[at], ends[at + 1], ends[at + 2], ends[at + 3]]);
        let port = |at: usize| u16::from_be_bytes([ends[at], ends[at + 1]]);
        talk.seen = Some(((address(0), port(8)), (address(4), port(10))));
    }

    pub(crate) fn next_frame(&mut self) -> Frame {
        let fresh = self.talks.len() < 4 || self.rng.chance(25);
        let at = if fresh {
            let talk = self.talk();
            self.talks.push(talk);
            self.talks.len() - 1
        } else {
            // Of late, mostly.
            let far = if self.rng.chance(90) { 6 } else { 60 };
            let back = self.rng.below(far) as usize;
            self.talks.len().saturating_sub(1 + back)
        };
        self.time += self.rng.below(40_000_000) as i64;
        if self.rng.chance(1) {
            self.time += self.rng.below(150) as i64 * Timestamp::SECOND;
        }
        self.last = (self.talks[at].sent == 0).then_some(at);
        let (talk, rng) = (&mut self.talks[at], &mut self.rng);
        let (from_client, bytes) = talk.packet(rng);
        let source = if from_client {
            talk.client.0
        } else {
            talk.server.0
        };
        let nic = self.nic_of(source);
        let bytes = match nic.mac {
            Some(mac) => ethernet(
                netverdict_forge::random::network::NEIGHBOURS[0],
                mac,
                &bytes,
            ),
            None => bytes,
        };
        Frame {
            time: Timestamp(self.time),
            interface: Some(nic.name),
            direction: Direction::In,
            bytes,
        }
    }

    /// Where packets of an address come in.
    fn nic_of(&self, address: IpAddr) -> &'n Nic {
        let near = |own: IpAddr| match (own, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => own.octets()[..3] == other.octets()[..3],
            _ => false,
        };
        let mut nics = self.network.nics.iter();
        nics.find(|nic| nic.addresses.iter().any(|(own, _)| near(*own)))
            .unwrap_or_else(|| self.network.outside())
    }

    fn talk(&mut self) -> Talk {
        let client = (self.address(2), self.rng.between(1024, 1090) as u16);
        let service = *self.rng.pick(&self.network.services);
        let server = (self.address(12), service);
        Talk {
            client,
            server,
            seen: None,
            is_tcp: self.rng.chance(65),
            sent: 0,
            numbers: [self.rng.next() as u32, self.rng.next() as u32],
            tos: if self.rng.chance(90) { 0 } else { 0x10 },
        }
    }

    /// Anybody's, this host's own in `own` of a hundred.
    fn address(&mut self, own: u64) -> IpAddr {
        let network = self.network;
        if self.rng.chance(own) {
            return *self.rng.pick(&network.own(Family::V4));
        }
        if self.rng.chance(3) {
            return *self.rng.pick(&network.groups(Family::V4));
        }
        let known = *self.rng.pick(&network.everybody(Family::V4));
        let (IpAddr::V4(known), true) = (known, self.rng.chance(70)) else {
            return known;
        };
        // A neighbour.
        let host = self.rng.between(1, 254) as u32;
        Ipv4Addr::from_bits(known.to_bits() & !0xff | host).into()
    }
}

impl Talk {
    fn packet(&mut self, rng: &mut Rng) -> (bool, Vec<u8>) {
        // Now and then a packet again, or one too soon.
        let at = match rng.below(20) {
            0 => self.sent.saturating_sub(1),
            1 => self.sent + 1,
            _ => self.sent,
        };
        self.sent = at + 1;
        let from_client = at != 1 && (at < 3 || at % 2 == 1);
        let (from, to) = match (from_client, self.seen) {
            (true, _) => (self.client, self.server),
            (false, Some((client, server))) => (server, client),
            (false, None) => (self.server, self.client),
        };
        let layer4 = if self.is_tcp {
            self.segment(at, from_client, (from.1, to.1), rng)
        } else {
            Layer4::Udp {
                source_port: from.1,
                destination_port: to.1,
                payload: vec![7; rng.below(20) as usize],
            }
        };
        let tos = if rng.chance(97) { self.tos } else { 0x08 };
        let ip = Ip::new(from.0, to.0).tos(tos).id(rng.next() as u16);
        let ip = if rng.chance(2) { ip.ttl(1) } else { ip };
        let mut bytes = packet(ip, &layer4);
        if rng.chance(1) {
            // Broken on the way.
            *bytes.last_mut().expect("a packet has bytes") ^= 1;
        }
        (from_client, bytes)
    }

    fn segment(
        &mut self,
        at: u32,
        from_client: bool,
        (source_port, destination_port): (u16, u16),
        rng: &mut Rng,
    ) -> Layer4 {
        let flags = match at {
            0 => flag::SYN,
            1 => flag::SYN | flag::ACK,
            _ => match rng.below(24) {
                0..=3 => flag::FIN | flag::ACK,
                4 => flag::RST,
                5 => flag::RST | flag::ACK,
                6 => flag::SYN,
                7..=9 => flag::ACK | flag::PSH,
                _ => flag::ACK,
            },
        };
        let payload = if flags & flag::PSH != 0 { 12 } else { 0 };
        let (mine, other) = (usize::from(!from_client), usize::from(from_client));
        let segment = Segment {
            source_port,
            destination_port,
            seq: self.numbers[mine],
            ack: if flags & flag::ACK == 0 {
                0
            } else {
                self.numbers[other]
            },
            flags,
            window: if rng.chance(96) { 20_000 } else { 0 },
            options: Vec::new(),
            payload: vec![1; payload],
        };
        let takes = payload as u32 + u32::from(flags & (flag::SYN | flag::FIN) != 0);
        self.numbers[mine] = self.numbers[mine].wrapping_add(takes);
        Layer4::Tcp(segment)
    }
}
