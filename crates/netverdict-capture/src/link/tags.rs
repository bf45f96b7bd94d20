//! From an EtherType to the network header: VLAN tags of any depth, PPPoE sessions and MPLS label stacks.

use netverdict_net::Family;

use super::Bytes;
use crate::frame::{Layer, Network, SkipReason, Tag};
use crate::headers::{ARP, IPV4, IPV6, OLD_DOUBLE_VLAN, PROVIDER_VLAN, VLAN, Vlan};

const PPPOE_SESSION: u16 = 0x8864;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;

const PPPOE_LEN: usize = 6;
const MPLS_LEN: usize = 4;
/// Version 1, type 1.
const PPPOE_VERSION: u8 = 0x11;
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;

/// What an EtherType announces, with the tags on the way.
#[inline]
pub(crate) fn network(mut bytes: Bytes<'_>, mut ether_type: u16, tags: &mut Vec<Tag>) -> Network {
    loop {
        return match ether_type {
            IPV4 => bytes.ip(Some(Family::V4)),
            IPV6 => bytes.ip(Some(Family::V6)),
            ARP => bytes.arp(),
            VLAN | PROVIDER_VLAN | OLD_DOUBLE_VLAN => match Vlan::read(bytes.rest()) {
                None => bytes.missing(Vlan::LEN, Layer::Vlan),
                Some(vlan) => {
                    tags.push(Tag::Vlan {
                        tpid: ether_type,
                        tci: vlan.tci,
                    });
                    ether_type = vlan.ether_type;
                    bytes = bytes.skip(Vlan::LEN);
                    continue;
                }
            },
            PPPOE_SESSION => pppoe(bytes, tags),
            MPLS | MPLS_MULTICAST => mpls(bytes, tags),
            length if length < 0x0600 => Network::Skipped(SkipReason::Llc),
            other => Network::Skipped(SkipReason::EtherType(other)),
        };
    }
}

/// RFC 2516: version and type, code, session, length; then PPP. pppoe_rcv trims to the length and drops what is shorter.
fn pppoe(bytes: Bytes<'_>, tags: &mut Vec<Tag>) -> Network {
    let Some(&[version, code, s0, s1, l0, l1]) = bytes.rest().first_chunk() else {
        return bytes.missing(PPPOE_LEN, Layer::Pppoe);
    };
    let bytes = bytes.skip(PPPOE_LEN);
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    if version != PPPOE_VERSION || code != 0 || len > bytes.on_wire() {
        return Network::Skipped(SkipReason::Pppoe);
    }
    tags.push(Tag::Pppoe {
        session: u16::from_be_bytes([s0, s1]),
    });
    ppp(bytes.limit(len))
}

/// The protocol, one byte or two (RFC 1661 §6.5: an odd first byte is the whole field), then the packet.
fn ppp(bytes: Bytes<'_>) -> Network {
    let (protocol, len) = match *bytes.rest() {
        [short, ..] if short & 1 == 1 => (u16::from(short), 1),
        [upper, lower, ..] => (u16::from_be_bytes([upper, lower]), 2),
        _ => return bytes.missing(2, Layer::Pppoe),
    };
    match protocol {
        PPP_IPV4 => bytes.skip(len).ip(Some(Family::V4)),
        PPP_IPV6 => bytes.skip(len).ip(Some(Family::V6)),
        other => Network::Skipped(SkipReason::PppProtocol(other)),
    }
}

/// RFC 3032: labels to the one with the bottom bit; nothing names the payload but its own first four bits.
fn mpls(mut bytes: Bytes<'_>, tags: &mut Vec<Tag>) -> Network {
    loop {
        let Some(&entry) = bytes.rest().first_chunk() else {
            return bytes.missing(MPLS_LEN, Layer::Mpls);
        };
        let entry = u32::from_be_bytes(entry);
        tags.push(Tag::Mpls { label: entry >> 12 });
        bytes = bytes.skip(MPLS_LEN);
        if entry & 0x100 != 0 {
            break;
        }
    }
    match bytes.rest().first().map(|b| b >> 4) {
        None => bytes.missing(1, Layer::Mpls),
        Some(4) => bytes.ip(Some(Family::V4)),
        Some(6) => bytes.ip(Some(Family::V6)),
        Some(_) => Network::Skipped(SkipReason::MplsPayload),
    }
}
