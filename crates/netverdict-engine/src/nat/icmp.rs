//! ICMP errors about translated connections: outer header and quoted packet are translated
//! (`nf_nat_icmp_reply_translation`).

use netverdict_net::checksum::{finish, pseudo_header, sum};
use netverdict_net::{Family, Packet, Protocol};
use netverdict_ruleset::NatSide;

use super::{NatCx, layer4, rewrite, sought};
use crate::conntrack::{Direction, Entry, Status, Tuple, verify_checksum};
use crate::{Reason, Skb};

const FAILED: Reason = Reason::NatFailed;
const REDIRECT: u8 = 5;
const NDISC_REDIRECT: u8 = 137;

/// Translates an ICMP error that belongs to a connection.
pub(super) fn translate(
    entry: &Entry,
    skb: &mut Skb<'_>,
    direction: Direction,
    cx: &NatCx<'_>,
) -> Result<(), Reason> {
    let side = cx.side;
    let family = skb.packet.family();
    let (_, offset) = layer4(skb).ok_or(FAILED)?;
    let (protocol, inner) = match family {
        Family::V4 => (Protocol::ICMP, 20),
        Family::V6 => (Protocol::ICMPV6, 40),
    };
    if skb.packet.len() < offset + 8 + inner {
        return Err(FAILED);
    }
    // Also of what leaves: what this host answers may have been spoilt on its way through mangle. What was proven once is
    // not looked at again (`skb->csum_valid`).
    if !skb.checksum_trusted && !skb.checksum_proven {
        verify_checksum(&skb.packet, offset, protocol).map_err(|_| FAILED)?;
        skb.checksum_proven = true;
    }
    let [kind] = *skb.packet.array::<1>(offset).map_err(|_| FAILED)?;
    let redirect = match family {
        Family::V4 => kind == REDIRECT,
        Family::V6 => kind == NDISC_REDIRECT,
    };
    let untouched =
        entry.status.contains(Status::NAT_DONE) && !entry.status.intersects(Status::NAT);
    if redirect && !untouched {
        return Err(FAILED);
    }
    if !entry.status.intersects(sought(side, direction)) {
        return Ok(());
    }
    let other = entry.tuple(direction.other());
    rewrite::packet(&mut skb.packet, offset + 8, other, opposite(side)).ok_or(FAILED)?;
    renew_checksum(&mut skb.packet, offset, protocol);
    let target = Tuple {
        protocol,
        ..other.invert().ok_or(FAILED)?
    };
    rewrite::packet(&mut skb.packet, 0, &target, side).ok_or(FAILED)
}

const fn opposite(side: NatSide) -> NatSide {
    match side {
        NatSide::Source => NatSide::Destination,
        NatSide::Destination => NatSide::Source,
    }
}

/// Computes the checksum anew. A packet not captured whole keeps its old one, for want of bytes to sum up.
fn renew_checksum(packet: &mut Packet<'_>, offset: usize, protocol: Protocol) {
    if !packet.is_whole() {
        return;
    }
    let start = match protocol {
        Protocol::ICMPV6 => {
            let len = (packet.len() - offset) as u32;
            pseudo_header(packet.source(), packet.destination(), protocol, len)
        }
        _ => 0,
    };
    let Some(message) = packet.captured_mut().get_mut(offset..) else {
        return;
    };
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&[0, 0]);
    }
    let check = finish(sum(message, start)).to_be_bytes();
    if let Some(place) = message.get_mut(2..4) {
        place.copy_from_slice(&check);
    }
}
