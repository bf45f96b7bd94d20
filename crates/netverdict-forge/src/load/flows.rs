//! One conversation as a series of packets, right in lengths, checksums and sequence numbers.

use std::net::Ipv4Addr;

use crate::random::Rng;
use crate::wire::{Ip, Layer4, Segment, flag, packet};

/// How much the packets of a flow carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// From empty acknowledgements to full segments.
    Mixed,
    /// Frames of 64 bytes, so far as headers and payload go.
    Small,
}

/// A TCP connection or an exchange of UDP datagrams under way.
#[derive(Debug)]
pub(super) struct Flow {
    client: (Ipv4Addr, u16),
    server: (Ipv4Addr, u16),
    /// What the server takes for the client.
    seen_as: Ipv4Addr,
    size: Size,
    tcp: Option<Numbers>,
    /// Packets sent, and how many there will be.
    sent: u32,
    packets: u32,
}

/// The next sequence numbers of client and server.
#[derive(Debug)]
struct Numbers([u32; 2]);

/// A packet of a flow.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) from_client: bool,
    pub(super) bytes: Vec<u8>,
}

/// Server ports that flows use; rules that no packet is to match leave them out.
pub(super) const PORTS: [u16; 6] = [80, 443, 22, 53, 8080, 25];

impl Flow {
    /// The flow of a number. No two of less than 2^16 flows have the same server.
    pub(super) fn new(
        number: u32,
        packets: u32,
        size: Size,
        seen_as: Option<Ipv4Addr>,
        rng: &mut Rng,
    ) -> Self {
        let client = Ipv4Addr::from_bits(0xc612_0000 | rng.between(1, 0xfffe) as u32);
        // An odd multiplier reaches every server once.
        let server = Ipv4Addr::from_bits(0xc613_0000 | number.wrapping_mul(40_503) & 0xffff);
        let is_tcp = rng.chance(79);
        let numbers = Numbers([rng.next() as u32, rng.next() as u32]);
        Self {
            client: (client, rng.between(32_768, 60_999) as u16),
            server: (server, *rng.pick(&PORTS)),
            seen_as: seen_as.unwrap_or(client),
            size,
            tcp: is_tcp.then_some(numbers),
            sent: 0,
            packets,
        }
    }

    /// Its next packet; `None` at its end.
    pub(super) fn next(&mut self, rng: &mut Rng) -> Option<Sent> {
        if self.sent == self.packets {
            return None;
        }
        let at = self.sent;
        self.sent += 1;
        Some(match self.tcp {
            Some(_) => self.segment(at, rng),
            None => self.datagram(at, rng),
        })
    }

    fn segment(&mut self, at: u32, rng: &mut Rng) -> Sent {
        let left = self.packets - at;
        // SYN, SYN+ACK, ACK; data and acknowledgements in turn; FIN, FIN, ACK.
        let (from_client, flags) = match (at, left) {
            (0, _) => (true, flag::SYN),
            (1, _) => (false, flag::SYN | flag::ACK),
            (2, _) => (true, flag::ACK),
            (_, 3) => (true, flag::FIN | flag::ACK),
            (_, 2) => (false, flag::FIN | flag::ACK),
            (_, 1) => (true, flag::ACK),
            _ => (at % 2 == 1, flag::ACK | flag::PSH),
        };
        let carries = flags & flag::PSH != 0;
        let payload = if carries { self.payload(20, rng) } else { 0 };
        let (source_port, destination_port) = self.ports(from_client);
        let [client, server] = self.tcp.as_ref().map_or([0; 2], |Numbers(n)| *n);
        let (seq, ack) = if from_client {
            (client, server)
        } else {
            (server, client)
        };
        let segment = Segment {
            source_port,
            destination_port,
            seq,
            ack: if at == 0 { 0 } else { ack },
            flags,
            window: 64_240,
            options: Vec::new(),
            payload: vec![at as u8; payload],
        };
        let takes = payload as u32 + u32::from(flags & (flag::SYN | flag::FIN) != 0);
        if let Some(Numbers(numbers)) = &mut self.tcp {
            let mine = &mut numbers[usize::from(!from_client)];
            *mine = mine.wrapping_add(takes);
        }
        self.sent(from_client, &Layer4::Tcp(segment), rng)
    }

    fn datagram(&self, at: u32, rng: &mut Rng) -> Sent {
        let from_client = at.is_multiple_of(2);
        let (source_port, destination_port) = self.ports(from_client);
        let payload = vec![at as u8; self.payload(8, rng)];
        let datagram = Layer4::Udp {
            source_port,
            destination_port,
            payload,
        };
        self.sent(from_client, &datagram, rng)
    }

    fn payload(&self, header: usize, rng: &mut Rng) -> usize {
        match self.size {
            Size::Small => 64 - 14 - 20 - header,
            Size::Mixed if rng.chance(45) => rng.between(900, 1400) as usize,
            Size::Mixed => rng.between(1, 200) as usize,
        }
    }

    const fn ports(&self, from_client: bool) -> (u16, u16) {
        if from_client {
            (self.client.1, self.server.1)
        } else {
            (self.server.1, self.client.1)
        }
    }

    fn sent(&self, from_client: bool, layer4: &Layer4, rng: &mut Rng) -> Sent {
        let (source, destination) = if from_client {
            (self.client.0, self.server.0)
        } else {
            (self.server.0, self.seen_as)
        };
        let ip = Ip::new(source.into(), destination.into()).id(rng.next() as u16);
        Sent {
            from_client,
            bytes: packet(ip, layer4),
        }
    }
}
