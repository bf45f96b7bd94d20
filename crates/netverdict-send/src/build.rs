//! Bytes of a `--send` packet: headers with right lengths and checksums.

use std::net::IpAddr;

use netverdict_net::{Family, Link, LinkKind, Packet, PacketType, Protocol, checksum};

use super::{Send, Way};

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;

pub(super) fn packet(send: &Send) -> Packet<'static> {
    let family = Family::of(send.source.address);
    let header = if family == Family::V4 {
        IPV4_HEADER
    } else {
        IPV6_HEADER
    };
    let mut body = transport(send);
    if let Some(len) = send.words.len {
        let wanted = usize::from(len).saturating_sub(header);
        body.resize(wanted.max(body.len()), 0);
    }
    // An IP length field has 16 bits.
    body.truncate(usize::from(u16::MAX) - header);
    if send.words.fragment.unwrap_or(0) == 0 {
        fill_checksum(send, &mut body);
    }
    let mut bytes = match family {
        Family::V4 => ipv4_header(send, body.len()),
        Family::V6 => ipv6_header(send, body.len()),
    };
    bytes.extend_from_slice(&body);
    Packet::owned(bytes, family, link(send))
}

fn link(send: &Send) -> Link {
    let has_macs = send.words.source_mac.is_some() || send.words.destination_mac.is_some();
    Link {
        kind: if has_macs {
            LinkKind::Ethernet
        } else {
            LinkKind::Bare
        },
        source: send.words.source_mac,
        destination: send.words.destination_mac,
        packet_type: match send.way {
            Way::Out => PacketType::Outgoing,
            Way::In => received(send),
        },
        port: None,
    }
}

/// Whom a received frame with such a destination would have been for.
fn received(send: &Send) -> PacketType {
    match send.words.destination_mac {
        Some(mac) if mac.0 == [0xff; 6] => PacketType::Broadcast,
        Some(mac) if mac.0[0] & 1 != 0 => PacketType::Multicast,
        Some(_) => PacketType::Host,
        None => match send.destination.address {
            IpAddr::V4(address) if address.is_broadcast() => PacketType::Broadcast,
            address if address.is_multicast() => PacketType::Multicast,
            _ => PacketType::Host,
        },
    }
}

fn ipv4_header(send: &Send, body: usize) -> Vec<u8> {
    let words = &send.words;
    let fragment = (words.fragment.unwrap_or(0) / 8)
        | if words.more_fragments { 0x2000 } else { 0 }
        | if words.dont_fragment { 0x4000 } else { 0 };
    let mut header = vec![0x45, words.tos.unwrap_or(0)];
    header.extend(((IPV4_HEADER + body) as u16).to_be_bytes());
    header.extend(words.ip_id.unwrap_or(0).to_be_bytes());
    header.extend(fragment.to_be_bytes());
    header.extend([words.ttl.unwrap_or(64), send.protocol.0, 0, 0]);
    push_addresses(send, &mut header);
    let sum = checksum::finish(checksum::sum(&header, 0));
    put(&mut header, 10, sum);
    header
}

fn ipv6_header(send: &Send, body: usize) -> Vec<u8> {
    let class = u32::from(send.words.tos.unwrap_or(0)) << 20;
    let mut header = (0x6000_0000 | class).to_be_bytes().to_vec();
    header.extend((body as u16).to_be_bytes());
    header.extend([send.protocol.0, send.words.ttl.unwrap_or(64)]);
    push_addresses(send, &mut header);
    header
}

fn push_addresses(send: &Send, header: &mut Vec<u8>) {
    for address in [send.source.address, send.destination.address] {
        match address {
            IpAddr::V4(address) => header.extend(address.octets()),
            IpAddr::V6(address) => header.extend(address.octets()),
        }
    }
}

/// The transport header, its checksum still 0, and the payload. A later fragment has no header.
fn transport(send: &Send) -> Vec<u8> {
    let words = &send.words;
    let payload = words.payload.clone().unwrap_or_default();
    if words.fragment.is_some_and(|offset| offset > 0) {
        return payload;
    }
    let mut bytes = match send.protocol {
        Protocol::TCP => tcp(send),
        Protocol::UDP | Protocol::UDPLITE => udp(send, payload.len()),
        Protocol::ICMP | Protocol::ICMPV6 => icmp(send),
        Protocol::SCTP => sctp(send),
        Protocol::DCCP => dccp(send),
        Protocol::ESP => [words.spi.unwrap_or(1).to_be_bytes(), 1_u32.to_be_bytes()].concat(),
        Protocol::AH => ah(send),
        Protocol::GRE => vec![0, 0, 0x08, 0x00],
        _ => Vec::new(),
    };
    bytes.extend(payload);
    bytes
}

fn ports(send: &Send) -> Vec<u8> {
    let port = |port: Option<u16>| port.unwrap_or(0).to_be_bytes();
    [port(send.source.port), port(send.destination.port)].concat()
}

fn tcp(send: &Send) -> Vec<u8> {
    const SYN: u8 = 2;
    let words = &send.words;
    let flags = words.tcp_flags.unwrap_or(SYN);
    let mut bytes = ports(send);
    bytes.extend(words.seq.unwrap_or(1).to_be_bytes());
    bytes.extend(words.ack_seq.unwrap_or(0).to_be_bytes());
    bytes.extend([if words.mss.is_some() { 0x60 } else { 0x50 }, flags]);
    bytes.extend(words.window.unwrap_or(64240).to_be_bytes());
    bytes.extend([0; 4]);
    if let Some(mss) = words.mss {
        bytes.extend([2, 4]);
        bytes.extend(mss.to_be_bytes());
    }
    bytes
}

fn udp(send: &Send, payload: usize) -> Vec<u8> {
    let mut bytes = ports(send);
    bytes.extend(((8 + payload) as u16).to_be_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn icmp(send: &Send) -> Vec<u8> {
    let words = &send.words;
    let echo = if send.protocol == Protocol::ICMP {
        8
    } else {
        128
    };
    let mut bytes = vec![
        words.icmp_type.unwrap_or(echo),
        words.icmp_code.unwrap_or(0),
        0,
        0,
    ];
    bytes.extend(words.id.unwrap_or(1).to_be_bytes());
    bytes.extend((words.seq.unwrap_or(1) as u16).to_be_bytes());
    bytes
}

fn sctp(send: &Send) -> Vec<u8> {
    const INIT: u8 = 1;
    let chunk = send.words.chunk.unwrap_or(INIT);
    // Only an INIT goes out with verification tag 0 (RFC 9260, 8.5.1).
    let tag = u32::from(chunk != INIT);
    let mut bytes = ports(send);
    bytes.extend(tag.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend([chunk, if chunk == 0 { 3 } else { 0 }, 0, 20]);
    for word in [1_u32, 0x0001_0000, 0x0001_0001, 1] {
        bytes.extend(word.to_be_bytes());
    }
    bytes
}

/// A DCCP-Request with a 48-bit sequence number (RFC 4340, 5.1).
fn dccp(send: &Send) -> Vec<u8> {
    let mut bytes = ports(send);
    bytes.extend([5, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    bytes
}

fn ah(send: &Send) -> Vec<u8> {
    let mut bytes = vec![Protocol::NONE.0, 4, 0, 0];
    bytes.extend(send.words.spi.unwrap_or(1).to_be_bytes());
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend([0; 12]);
    bytes
}

/// Fills in the transport checksum, where the protocol has one that fits 16 bits; SCTP's is a CRC32c.
fn fill_checksum(send: &Send, body: &mut [u8]) {
    let at = match send.protocol {
        Protocol::TCP => 16,
        Protocol::UDP | Protocol::UDPLITE | Protocol::DCCP => 6,
        Protocol::ICMP | Protocol::ICMPV6 => 2,
        Protocol::SCTP => {
            let crc = checksum_crc32c(body);
            if let Some(field) = body.get_mut(8..12) {
                field.copy_from_slice(&crc.to_le_bytes());
            }
            return;
        }
        _ => return,
    };
    let pseudo = match send.protocol {
        Protocol::ICMP => 0,
        protocol => checksum::pseudo_header(
            send.source.address,
            send.destination.address,
            protocol,
            body.len() as u32,
        ),
    };
    let sum = checksum::finish(checksum::sum(body, pseudo));
    let is_udp = matches!(send.protocol, Protocol::UDP | Protocol::UDPLITE);
    put(body, at, if is_udp && sum == 0 { 0xffff } else { sum });
}

/// CRC32c (Castagnoli), bit by bit: these packets are few and small.
fn checksum_crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ POLYNOMIAL
            } else {
                crc >> 1
            }
        })
    })
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(field) = bytes.get_mut(at..at + 2) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}
