//! The ranges of targets that take their addresses from the host or the packet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_host::SourceChoice;
use netverdict_net::{AddrMask, AddrRange, Device, Family};
use netverdict_ruleset::targets::{Masquerade, NatRange, Netmap, Redirect};
use netverdict_ruleset::{Hook, NatSide};

use super::{Choice, NatCx, setup};
use crate::conntrack::Conntrack;
use crate::{Reason, Skb};

/// What a target did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mapped {
    /// The connection is mapped.
    Done(Choice),
    /// The target leaves the connection alone.
    Passed,
    /// The host's addresses are not known.
    Unknown(&'static str),
    /// The packet is dropped.
    Drop(Reason),
}

fn single(address: IpAddr) -> Option<AddrRange> {
    Some(AddrRange {
        start: address,
        end: address,
    })
}

fn run(conntrack: &mut Conntrack, skb: &Skb<'_>, range: &NatRange, cx: &mut NatCx<'_>) -> Mapped {
    match setup(conntrack, skb, range, cx) {
        Ok(choice) => Mapped::Done(choice),
        Err(reason) => Mapped::Drop(reason),
    }
}

/// MASQUERADE: the source becomes an address of the out-device (nf_nat_masquerade.c).
pub(crate) fn masquerade(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    target: &Masquerade,
    cx: &mut NatCx<'_>,
) -> Mapped {
    let Some((entry, _)) = conntrack.of(skb.connection) else {
        return Mapped::Passed;
    };
    // A host that asks for its address.
    if entry.family() == Family::V4 && entry.original().source().is_unspecified() {
        return Mapped::Passed;
    }
    let Some(way) = &skb.way else {
        return Mapped::Unknown("MASQUERADE: the route is not known");
    };
    let address = match cx.host.masquerade_source(way, skb.packet.destination()) {
        SourceChoice::Address(address) => address,
        SourceChoice::None => return Mapped::Drop(Reason::NatNoAddress),
        SourceChoice::Unknown => {
            return Mapped::Unknown("MASQUERADE: the device's address is not known");
        }
    };
    if let Device::Named(name) = skb.out_device {
        conntrack.note_masquerade(skb.connection, name);
    }
    let range = NatRange {
        addresses: single(address),
        ports: target.ports,
        random: target.random,
        random_fully: target.random_fully,
        persistent: false,
    };
    run(conntrack, skb, &range, cx)
}

/// REDIRECT: the destination becomes this host (nf_nat_redirect.c).
pub(crate) fn redirect(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    target: &Redirect,
    cx: &mut NatCx<'_>,
) -> Mapped {
    let destination = skb.packet.destination();
    let address = if cx.hook == Hook::Output {
        match destination {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        }
    } else {
        match cx.host.redirect_destination(skb.in_device, destination) {
            SourceChoice::Address(address) => address,
            SourceChoice::None => return Mapped::Drop(Reason::NatNoAddress),
            SourceChoice::Unknown => {
                return Mapped::Unknown("REDIRECT: the device's address is not known");
            }
        }
    };
    let range = NatRange {
        addresses: single(address),
        ports: target.ports,
        random: target.random,
        ..NatRange::default()
    };
    run(conntrack, skb, &range, cx)
}

/// NETMAP: the network part of one side's address changes (xt_NETMAP.c).
pub(crate) fn netmap(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    target: &Netmap,
    cx: &mut NatCx<'_>,
) -> Mapped {
    let own = match cx.side {
        NatSide::Source => skb.packet.source(),
        NatSide::Destination => skb.packet.destination(),
    };
    let address = match (target.to, own) {
        (AddrMask::V4 { addr, mask }, IpAddr::V4(own)) => {
            IpAddr::V4(Ipv4Addr::from_bits(own.to_bits() & !mask | addr))
        }
        (AddrMask::V6 { addr, mask }, IpAddr::V6(own)) => {
            IpAddr::V6(Ipv6Addr::from_bits(own.to_bits() & !mask | addr))
        }
        _ => return Mapped::Passed,
    };
    let range = NatRange {
        addresses: single(address),
        ..NatRange::default()
    };
    run(conntrack, skb, &range, cx)
}
