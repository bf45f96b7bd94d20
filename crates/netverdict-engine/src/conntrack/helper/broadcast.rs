//! NetBIOS name service and SNMP (nf_conntrack_broadcast.c): whoever is on the net may answer this host's broadcasts.

use std::net::IpAddr;

use netverdict_net::{AddrMask, Family, Protocol};

use super::talk::Talk;
use super::{Direction, Help, snmp};
use crate::conntrack::Addr;

/// What the two differ in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    port: u16,
    seconds: i64,
}

pub(super) const NETBIOS_NS: Service = Service {
    port: 137,
    seconds: 3,
};

pub(super) const SNMP: Service = Service {
    port: snmp::PORT,
    seconds: 30,
};

pub(super) fn help(talk: &mut Talk<'_, '_, '_>, service: Service) -> Help {
    let asks = talk.direction == Direction::Original && talk.is_own_broadcast();
    let Some(mask) = asks.then(|| net_mask(talk)).flatten() else {
        return Help::Accept;
    };
    let reply = *talk.tuple(Direction::Reply);
    let end = (reply.destination, reply.destination_port);
    let mut new = talk
        .expectation(Protocol::UDP, Some(reply.source), end)
        .with_source_port(service.port);
    new.source_mask = mask;
    new.permanent = true;
    // Where it cannot be expected, the packet goes on all the same.
    let _refused = talk.expect(new);
    talk.lengthen(service.seconds);
    Help::Accept
}

/// The mask of the net whose broadcast address the packet goes to.
fn net_mask(talk: &Talk<'_, '_, '_>) -> Option<Addr> {
    let skb = talk.skb();
    let name = skb.way?.device.name().copied()?;
    let device = talk.cx.host.interface(&name)?;
    let destination = skb.packet.destination();
    let address = device.addresses_of(Family::V4).find(|address| {
        !address.secondary && address.broadcast.map(IpAddr::V4) == Some(destination)
    })?;
    match address.prefix() {
        AddrMask::V4 { mask: 0, .. } | AddrMask::V6 { .. } => None,
        AddrMask::V4 { mask, .. } => Some(mask.into()),
    }
}
