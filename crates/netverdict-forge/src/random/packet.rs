//! Building packets byte by byte, right by default and wrong on request.

use std::net::IpAddr;

use netverdict_net::{MacAddr, Protocol, checksum};

/// The IP header's variable parts.
#[derive(Debug, Clone)]
pub struct Ip {
    /// Source.
    pub source: IpAddr,
    /// Destination, of the same family.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
    /// TOS or traffic class.
    pub tos: u8,
    /// IPv4 identification.
    pub id: u16,
    /// IPv4 flags and fragment offset word.
    pub fragment: u16,
    /// IPv4 options (padded to a multiple of 4 with end-of-list).
    pub options: Vec<u8>,
    /// IPv6 extension headers in order: each protocol number and its bytes but the next-header byte.
    pub extensions: Vec<(u8, Vec<u8>)>,
}

/// The IPv4 flag "don't fragment".
pub const DF: u16 = 0x4000;
/// The IPv4 flag "more fragments".
pub const MF: u16 = 0x2000;

impl Ip {
    /// A plain header: TTL 64, DF.
    pub fn new(source: IpAddr, destination: IpAddr) -> Self {
        Self {
            source,
            destination,
            ttl: 64,
            tos: 0,
            id: 0,
            fragment: DF,
            options: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// The packet: this header, then `payload` of `protocol`.
    pub fn packet(&self, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                self.v4(source.octets(), destination.octets(), protocol, payload)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                self.v6(source.octets(), destination.octets(), protocol, payload)
            }
            // One family in a header: the callers' pools are by family.
            _ => Vec::new(),
        }
    }

    fn v4(
        &self,
        source: [u8; 4],
        destination: [u8; 4],
        protocol: Protocol,
        payload: &[u8],
    ) -> Vec<u8> {
        let options = self.options.len().next_multiple_of(4);
        let total = (20 + options + payload.len()) as u16;
        let mut bytes = vec![0x45 + (options / 4) as u8, self.tos];
        bytes.extend(total.to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([self.ttl, protocol.0, 0, 0]);
        bytes.extend(source);
        bytes.extend(destination);
        bytes.extend(&self.options);
        bytes.resize(20 + options, 0);
        let sum = checksum::finish(checksum::sum(&bytes, 0));
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn v6(
        &self,
        source: [u8; 16],
        destination: [u8; 16],
        protocol: Protocol,
        payload: &[u8],
    ) -> Vec<u8> {
        let extensions: usize = self.extensions.iter().map(|(_, b)| b.len() + 1).sum();
        let first = self.extensions.first().map_or(protocol.0, |(p, _)| *p);
        let mut bytes = vec![0x60 | self.tos >> 4, self.tos << 4, 0, 0];
        bytes.extend(((extensions + payload.len()) as u16).to_be_bytes());
        bytes.extend([first, self.ttl]);
        bytes.extend(source);
        bytes.extend(destination);
        for (index, (_, body)) in self.extensions.iter().enumerate() {
            let next = self.extensions.get(index + 1);
            bytes.push(next.map_or(protocol.0, |(p, _)| *p));
            bytes.extend(body);
        }
        bytes.extend(payload);
        bytes
    }

    fn transport_sum(&self, protocol: Protocol, bytes: &[u8]) -> u16 {
        let len = bytes.len() as u32;
        let pseudo = checksum::pseudo_header(self.source, self.destination, protocol, len);
        checksum::finish(checksum::sum(bytes, pseudo))
    }
}

/// TCP flag bits.
pub mod flag {
    /// FIN.
    pub const FIN: u8 = 1;
    /// SYN.
    pub const SYN: u8 = 2;
    /// RST.
    pub const RST: u8 = 4;
    /// PSH.
    pub const PSH: u8 = 8;
    /// ACK.
    pub const ACK: u8 = 16;
    /// URG.
    pub const URG: u8 = 32;
}

/// A TCP segment.
#[derive(Debug, Clone, Default)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flag byte, see [`flag`].
    pub flags: u8,
    /// Window, unscaled.
    pub window: u16,
    /// Options (padded to a multiple of 4 with end-of-list).
    pub options: Vec<u8>,
    /// Data.
    pub data: Vec<u8>,
}

impl Tcp {
    /// The segment under `ip`'s addresses, checksum right.
    pub fn segment(&self, ip: &Ip) -> Vec<u8> {
        let options = self.options.len().next_multiple_of(4);
        let mut bytes = Vec::with_capacity(20 + options + self.data.len());
        bytes.extend(self.source.to_be_bytes());
        bytes.extend(self.destination.to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend([((20 + options) as u8 / 4) << 4, self.flags]);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(&self.options);
        bytes.resize(20 + options, 0);
        bytes.extend(&self.data);
        let sum = ip.transport_sum(Protocol::TCP, &bytes);
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    /// The whole packet.
    pub fn packet(&self, ip: &Ip) -> Vec<u8> {
        ip.packet(Protocol::TCP, &self.segment(ip))
    }
}

/// A UDP datagram, checksum right.
pub fn udp(ip: &Ip, source: u16, destination: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = ports(source, destination);
    bytes.extend(((data.len() + 8) as u16).to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend(data);
    let sum = match ip.transport_sum(Protocol::UDP, &bytes) {
        0 => 0xffff,
        sum => sum,
    };
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// A UDP-Lite datagram with full coverage.
pub fn udplite(ip: &Ip, source: u16, destination: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = ports(source, destination);
    bytes.extend([0; 4]);
    bytes.extend(data);
    let sum = match ip.transport_sum(Protocol::UDPLITE, &bytes) {
        0 => 0xffff,
        sum => sum,
    };
    bytes[6..8].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// An ICMP or ICMPv6 message: type, code, the second word, and the rest.
pub fn icmp(ip: &Ip, kind: u8, code: u8, word: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(rest);
    let sum = if ip.source.is_ipv4() {
        checksum::finish(checksum::sum(&bytes, 0))
    } else {
        ip.transport_sum(Protocol::ICMPV6, &bytes)
    };
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The ICMP protocol of an address's family.
pub fn icmp_protocol(address: IpAddr) -> Protocol {
    if address.is_ipv4() {
        Protocol::ICMP
    } else {
        Protocol::ICMPV6
    }
}

/// An SCTP packet: chunks as (type, flags, value), padded; CRC32c right.
pub fn sctp(source: u16, destination: u16, tag: u32, chunks: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = ports(source, destination);
    bytes.extend(tag.to_be_bytes());
    bytes.extend([0; 4]);
    for (kind, flags, value) in chunks {
        bytes.extend([*kind, *flags]);
        bytes.extend(((value.len() + 4) as u16).to_be_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    // RFC 4960 appendix B: the CRC goes in least significant byte first.
    let sum = crc32c(&bytes);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}

fn ports(source: u16, destination: u16) -> Vec<u8> {
    let mut bytes = source.to_be_bytes().to_vec();
    bytes.extend(destination.to_be_bytes());
    bytes
}

/// An Ethernet frame around an IP packet.
pub fn ethernet(destination: MacAddr, source: MacAddr, packet: &[u8]) -> Vec<u8> {
    let kind = match packet.first().map(|b| b >> 4) {
        Some(6) => [0x86, 0xdd],
        _ => [0x08, 0x00],
    };
    let mut frame = destination.0.to_vec();
    frame.extend(source.0);
    frame.extend(kind);
    frame.extend(packet);
    frame
}

/// Cuts an IPv4 packet into fragments of at most `size` payload bytes (a multiple of 8).
pub fn fragments_v4(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let header_len = usize::from(packet.first().copied().unwrap_or(0x45) & 15) * 4;
    let Some((header, payload)) = packet.split_at_checked(header_len) else {
        return Vec::new();
    };
    let pieces = payload.chunks(size).count();
    payload
        .chunks(size)
        .enumerate()
        .map(|(index, piece)| {
            let more = if index + 1 < pieces { MF } else { 0 };
            let offset = (index * size / 8) as u16;
            let mut bytes = header.to_vec();
            bytes[2..4].copy_from_slice(&((header_len + piece.len()) as u16).to_be_bytes());
            bytes[6..8].copy_from_slice(&(offset | more).to_be_bytes());
            bytes.extend(piece);
            fix_v4(&mut bytes);
            bytes
        })
        .collect()
}

/// Makes an IPv4 header's checksum right again.
pub fn fix_v4(packet: &mut [u8]) {
    let header_len = usize::from(packet.first().copied().unwrap_or(0) & 15) * 4;
    let Some(header) = packet.get_mut(..header_len).filter(|h| h.len() >= 20) else {
        return;
    };
    header[10..12].copy_from_slice(&[0, 0]);
    let sum = checksum::finish(checksum::sum(header, 0));
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// Cuts an IPv6 packet without extension headers into fragments of at most `size` payload bytes (a multiple of 8).
pub fn fragments_v6(packet: &[u8], size: usize, id: u32) -> Vec<Vec<u8>> {
    let Some((header, payload)) = packet.split_at_checked(40) else {
        return Vec::new();
    };
    let protocol = header[6];
    let pieces = payload.chunks(size).count();
    payload
        .chunks(size)
        .enumerate()
        .map(|(index, piece)| {
            let more = u16::from(index + 1 < pieces);
            let mut bytes = header.to_vec();
            bytes[4..6].copy_from_slice(&((8 + piece.len()) as u16).to_be_bytes());
            bytes[6] = Protocol::FRAGMENT.0;
            bytes.extend([protocol, 0]);
            bytes.extend(((index * size) as u16 | more).to_be_bytes());
            bytes.extend(id.to_be_bytes());
            bytes.extend(piece);
            bytes
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32C as published with the polynomial.
    #[test]
    fn crc32c_of_the_digits() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn fragments_cover_the_payload() {
        let ip = Ip::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let packet = ip.packet(Protocol::UDP, &[7; 100]);
        let pieces = fragments_v4(&packet, 48);
        assert_eq!(
            pieces.iter().map(Vec::len).collect::<Vec<_>>(),
            [68, 68, 24]
        );
        assert_eq!(pieces[2][6..8], [0, 12]);
        assert_eq!(checksum::sum(&pieces[1][..20], 0), 0xffff);
    }
}
