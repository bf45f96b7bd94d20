//! Packets with which the kernel answers: ICMP errors and TCP resets (net/ipv4/icmp.c, net/ipv6/icmp.c,
//! net/ipv4/netfilter/nf_reject_ipv4.c, net/ipv6/netfilter/nf_reject_ipv6.c).

mod icmp;
mod redirect;
mod reset;
pub(crate) mod verify;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_host::{Flow, Host, OutputRoute, SourceChoice, Way, keys};
use netverdict_net::header::network_header_len;
use netverdict_net::{Device, Family, InterfaceName, Jiffies, Link, Packet, Protocol, checksum};

use crate::state::Peers;
use crate::{EmissionKind, Skb};

pub(crate) use icmp::{IcmpError, checked_icmp, icmp_error};
pub(crate) use redirect::{Redirect, redirect};
pub(crate) use reset::reset;

/// The packet to answer, and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a, 'p> {
    pub(crate) skb: &'a Skb<'p>,
    pub(crate) host: &'a Host,
}

/// An answer, or why none is sent.
pub(crate) type Answer = Result<Packet<'static>, &'static str>;

/// An ICMP error, if its receiver has not had too many of them of late. Resets are not limited.
pub(crate) fn within_limits(
    answer: Packet<'static>,
    kind: EmissionKind,
    host: &Host,
    peers: &mut Peers,
    now: Jiffies,
) -> Answer {
    if kind != EmissionKind::Icmp {
        return Ok(answer);
    }
    let to = answer.destination();
    let Ok(&[kind, code]) = answer.array::<2>(network_header_len(&answer)) else {
        return Ok(answer);
    };
    if peers.allow_error(to, (kind, code), is_loopback(host, to), now) {
        Ok(answer)
    } else {
        Err("the rate limit of ICMP errors")
    }
}

fn is_loopback(host: &Host, to: IpAddr) -> bool {
    let lo = Device::Named(InterfaceName::loopback());
    let unspecified = unspecified_like(to);
    matches!(
        host.route_output(&Flow::output(unspecified, to)),
        OutputRoute::Out { way: Way { device, .. }, .. } if device == lo
    )
}

/// The mark of what answers a packet (`IP4_REPLY_MARK`, `IP6_REPLY_MARK`).
pub(crate) fn reply_mark(asked: Asked<'_, '_>) -> u32 {
    let key = match asked.skb.packet.family() {
        Family::V4 => keys::FWMARK_REFLECT,
        Family::V6 => keys::IPV6_FWMARK_REFLECT,
    };
    if asked.host.sysctls().get(key) != 0 {
        asked.skb.mark
    } else {
        0
    }
}

/// Whether an address means something on its own link only.
pub(crate) fn needs_device(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

const fn unspecified_like(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// The source that routing gives a packet for `to`; the unspecified address where the inputs do not tell.
fn source_toward(asked: Asked<'_, '_>, to: IpAddr) -> Result<IpAddr, &'static str> {
    let unspecified = unspecified_like(to);
    let flow = Flow {
        oif: needs_device(to)
            .then(|| asked.skb.in_device.name().copied())
            .flatten(),
        ..Flow::output(unspecified, to)
    };
    match asked.host.route_output(&flow) {
        OutputRoute::Out { source, .. } => Ok(match source {
            SourceChoice::Address(address) => address,
            // The dummy address of RFC 7600.
            SourceChoice::None if to.is_ipv4() => IpAddr::from([192, 0, 0, 8]),
            SourceChoice::None | SourceChoice::Unknown => unspecified,
        }),
        OutputRoute::Drop(_) => Err("no route back"),
        OutputRoute::Unknown(_) => Ok(unspecified),
    }
}

/// Whether the checksum of the TCP segment at `at` holds, or is trusted to.
pub(crate) fn checksum_holds(skb: &Skb<'_>, at: usize) -> bool {
    skb.checksum_trusted || skb.checksum_proven || verify::holds(&skb.packet, Protocol::TCP, at)
}

/// What the IP header of an answer says.
struct Header {
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    tos: u8,
    ttl: u8,
    dont_fragment: bool,
}

/// A packet of an IP header and a payload whose checksum at `sum_at` is to be filled in.
fn packet(
    header: &Header,
    mut payload: Vec<u8>,
    sum_at: usize,
    pseudo_header: bool,
) -> Packet<'static> {
    let len = payload.len() as u32;
    let start = if pseudo_header {
        checksum::pseudo_header(header.source, header.destination, header.protocol, len)
    } else {
        0
    };
    let sum = checksum::finish(checksum::sum(&payload, start));
    if let Some(place) = payload.get_mut(sum_at..sum_at + 2) {
        place.copy_from_slice(&sum.to_be_bytes());
    }
    let family = Family::of(header.source);
    let mut bytes = match (header.source, header.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4(header, source, destination, len),
        (IpAddr::V6(source), IpAddr::V6(destination)) => ipv6(header, source, destination, len),
        _ => Vec::new(),
    };
    bytes.append(&mut payload);
    Packet::owned(bytes, family, Link::default())
}

fn ipv4(header: &Header, source: Ipv4Addr, destination: Ipv4Addr, len: u32) -> Vec<u8> {
    let mut bytes = vec![0; 20];
    let total = (20 + len) as u16;
    bytes[0] = 0x45;
    bytes[1] = header.tos;
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes[6] = if header.dont_fragment { 0x40 } else { 0 };
    bytes[8] = header.ttl;
    bytes[9] = header.protocol.0;
    bytes[12..16].copy_from_slice(&source.octets());
    bytes[16..20].copy_from_slice(&destination.octets());
    let sum = checksum::finish(checksum::sum(&bytes, 0));
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes
}

fn ipv6(header: &Header, source: Ipv6Addr, destination: Ipv6Addr, len: u32) -> Vec<u8> {
    let mut bytes = vec![0; 40];
    bytes[0] = 0x60 | header.tos >> 4;
    bytes[1] = header.tos << 4;
    bytes[4..6].copy_from_slice(&(len as u16).to_be_bytes());
    bytes[6] = header.protocol.0;
    bytes[7] = header.ttl;
    bytes[8..24].copy_from_slice(&source.octets());
    bytes[24..40].copy_from_slice(&destination.octets());
    bytes
}

#[cfg(test)]
mod tests;
