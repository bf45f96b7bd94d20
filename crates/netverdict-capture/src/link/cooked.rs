//! Linux cooked captures (SLL, SLL2): what an AF_PACKET socket tells in place of the link header.
//!
//! SLL: packet type, ARPHRD_ type, address length, address (8), protocol. SLL2: protocol, two reserved bytes, interface
//! index (4), ARPHRD_ type, packet type (1), address length (1), address (8). All big endian.

use netverdict_net::{Link, LinkKind, MacAddr, PacketType};

use super::{Bytes, Decoded, tags};
use crate::frame::{Direction, Layer, Network, SkipReason};

const SLL_LEN: usize = 16;
const SLL2_LEN: usize = 20;
const MAC_LEN: u16 = 6;
/// Protocols below this are no EtherTypes: 1 and 4 stand for 802.3 frames, the rest for CAN and others.
const LEAST_ETHER_TYPE: u16 = 0x0600;
/// A netlink device's protocol is a netlink family.
const ARPHRD_NETLINK: u16 = 824;

/// The fields that both versions have.
struct Header {
    packet_type: u8,
    hardware: u16,
    address_len: u16,
    address: [u8; 6],
    protocol: u16,
    ifindex: Option<u32>,
}

pub(crate) fn decode(bytes: Bytes<'_>) -> Decoded {
    let rest = bytes.rest();
    let Some(
        &[
            _,
            packet_type,
            h0,
            h1,
            l0,
            l1,
            a,
            b,
            c,
            d,
            e,
            f,
            _,
            _,
            p0,
            p1,
        ],
    ) = rest.first_chunk()
    else {
        return short(bytes, SLL_LEN);
    };
    let header = Header {
        packet_type,
        hardware: u16::from_be_bytes([h0, h1]),
        address_len: u16::from_be_bytes([l0, l1]),
        address: [a, b, c, d, e, f],
        protocol: u16::from_be_bytes([p0, p1]),
        ifindex: None,
    };
    payload(&header, bytes.skip(SLL_LEN))
}

pub(crate) fn decode2(bytes: Bytes<'_>) -> Decoded {
    let rest = bytes.rest();
    let Some(
        &[
            p0,
            p1,
            _,
            _,
            i0,
            i1,
            i2,
            i3,
            h0,
            h1,
            packet_type,
            len,
            a,
            b,
            c,
            d,
            e,
            f,
            _,
            _,
        ],
    ) = rest.first_chunk()
    else {
        return short(bytes, SLL2_LEN);
    };
    let header = Header {
        packet_type,
        hardware: u16::from_be_bytes([h0, h1]),
        address_len: len.into(),
        address: [a, b, c, d, e, f],
        protocol: u16::from_be_bytes([p0, p1]),
        ifindex: Some(u32::from_be_bytes([i0, i1, i2, i3])),
    };
    payload(&header, bytes.skip(SLL2_LEN))
}

fn short(bytes: Bytes<'_>, len: usize) -> Decoded {
    Decoded {
        network: bytes.missing(len, Layer::Cooked),
        ..Decoded::default()
    }
}

fn payload(header: &Header, bytes: Bytes<'_>) -> Decoded {
    let (packet_type, direction) = packet_type(header.packet_type);
    let mut decoded = Decoded {
        link: Link {
            kind: LinkKind::Cooked,
            source: (header.address_len == MAC_LEN).then_some(MacAddr(header.address)),
            destination: None,
            packet_type,
            port: None,
        },
        ifindex: header.ifindex,
        direction: Some(direction),
        ..Decoded::default()
    };
    decoded.network = match header.protocol {
        protocol if header.hardware == ARPHRD_NETLINK => {
            Network::Skipped(SkipReason::EtherType(protocol))
        }
        1 | 4 => Network::Skipped(SkipReason::Llc),
        protocol if protocol < LEAST_ETHER_TYPE => {
            Network::Skipped(SkipReason::EtherType(protocol))
        }
        protocol => tags::network(bytes, protocol, &mut decoded.tags),
    };
    decoded
}

/// A PACKET_ number (linux/if_packet.h) as packet type and direction. Only PACKET_OUTGOING is seen going out.
pub(crate) fn packet_type(number: u8) -> (PacketType, Direction) {
    match number {
        1 => (PacketType::Broadcast, Direction::In),
        2 => (PacketType::Multicast, Direction::In),
        3 => (PacketType::OtherHost, Direction::In),
        4 => (PacketType::Outgoing, Direction::Out),
        _ => (PacketType::Host, Direction::In),
    }
}
