//! ICMP errors (`__icmp_send`, `icmp6_send`).

use std::net::{IpAddr, Ipv6Addr};

use netverdict_host::{RouteKind, SourceChoice, Way, keys};
use netverdict_net::header::{ipv4_fragment, ipv6, network_header_len, next_protocol};
use netverdict_net::{Family, InterfaceName, Packet, PacketType, Protocol, checksum};

use super::{Answer, Asked, Header, packet, source_toward, verify};
use crate::EmissionKind;

/// An error's type, code and the word behind its checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IcmpError {
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) info: u32,
}

/// Most that an IPv4 error is long, IP header included (RFC 1812).
const V4_LIMIT: usize = 576;
/// Most that an IPv6 error is long: what every link carries.
const V6_LIMIT: usize = 1280;

/// REJECT's error: packets with a bad layer-4 checksum, and later fragments, get none.
pub(crate) fn checked_icmp(asked: Asked<'_, '_>, kind: u8, code: u8) -> Answer {
    let original = &asked.skb.packet;
    let (protocol, at) = match original.family() {
        Family::V4 if ipv4_fragment(original).0 != 0 => return Err("it is a later fragment"),
        Family::V4 => (next_protocol(original), network_header_len(original)),
        Family::V6 => match ipv6::skip(original) {
            Ok(found) if found.fragment_offset == 0 && found.offset < original.len() => {
                (found.protocol, found.offset)
            }
            _ => return Err("it is a later fragment, or its headers are broken"),
        },
    };
    // Of what the host itself sends only the checksums of TCP and UDP are left to the device.
    let filled_later = matches!(protocol, Protocol::TCP | Protocol::UDP);
    let skb = asked.skb;
    let trusted = skb.checksum_proven || skb.checksum_trusted && (!skb.local || filled_later);
    let judged = !trusted && verify::is_verifiable(original, protocol, at);
    if judged && !verify::holds(original, protocol, at) {
        return Err("bad layer-4 checksum");
    }
    let info = 0;
    icmp_error(asked, IcmpError { kind, code, info })
}

/// An error about a packet, in answer to it.
pub(crate) fn icmp_error(asked: Asked<'_, '_>, error: IcmpError) -> Answer {
    match asked.skb.packet.family() {
        Family::V4 => error_v4(asked, error),
        Family::V6 => error_v6(asked, error),
    }
}

fn error_v4(asked: Asked<'_, '_>, error: IcmpError) -> Answer {
    let original = &asked.skb.packet;
    if !is_unicast_frame(original) {
        return Err("its frame was not for this host alone");
    }
    if matches!(
        asked.skb.kind,
        Some(RouteKind::Broadcast | RouteKind::Multicast)
    ) {
        return Err("its destination is no single host");
    }
    if ipv4_fragment(original).0 != 0 {
        return Err("it is a later fragment");
    }
    if next_protocol(original) == Protocol::ICMP {
        let kind = original
            .array::<1>(network_header_len(original))
            .map_err(|_| "no whole ICMP header")?;
        if is_error_v4(kind[0]) {
            return Err("it is an ICMP error itself");
        }
    }
    let destination = original.source();
    let routed = source_toward(asked, destination)?;
    let header = Header {
        source: own_or(asked, original.destination(), routed),
        destination,
        protocol: Protocol::ICMP,
        tos: original.tos() & 0x1e | 0xc0,
        ttl: u8::try_from(asked.host.sysctls().get(keys::IP_DEFAULT_TTL)).unwrap_or(64),
        dont_fragment: false,
    };
    let mut body = quoting(error, original, V4_LIMIT - 28);
    if asked.skb.made_by == Some(EmissionKind::Reset) {
        leave_unfinished(&mut body, original);
    }
    Ok(packet(&header, body, 2, false))
}

/// Who leaves this host finishes a reset's checksum (`nf_reject_ip_tcphdr_put`): until then it is the pseudo-header's sum.
fn leave_unfinished(body: &mut [u8], original: &Packet<'_>) {
    let at = network_header_len(original);
    let len = original.len().saturating_sub(at) as u32;
    let (source, destination) = (original.source(), original.destination());
    let sum = checksum::pseudo_header(source, destination, Protocol::TCP, len);
    if let Some(field) = body.get_mut(8 + at + 16..8 + at + 18) {
        field.copy_from_slice(&checksum::fold(u64::from(sum)).to_be_bytes());
    }
}

fn error_v6(asked: Asked<'_, '_>, error: IcmpError) -> Answer {
    const TOO_BIG: u8 = 2;
    let original = &asked.skb.packet;
    let (IpAddr::V6(source), IpAddr::V6(to)) = (original.source(), original.destination()) else {
        return Err("not IPv6");
    };
    if (to.is_multicast() || !is_unicast_frame(original)) && error.kind != TOO_BIG {
        return Err("it was not for one host alone");
    }
    if source.is_unspecified() || source.is_multicast() {
        return Err("its source is no single host");
    }
    if is_error_v6(original) {
        return Err("it is an ICMPv6 error itself");
    }
    let routed = near_receiver(asked, source.into(), source_toward(asked, source.into())?);
    let header = Header {
        source: own_or(asked, to.into(), routed),
        destination: source.into(),
        protocol: Protocol::ICMPV6,
        tos: 0,
        ttl: u8::try_from(asked.host.sysctls().get(keys::IPV6_HOP_LIMIT)).unwrap_or(64),
        dont_fragment: false,
    };
    Ok(packet(
        &header,
        quoting(error, original, V6_LIMIT - 48),
        2,
        true,
    ))
}

/// The source that fits the device that the packet came by, if it came by one (`icmp6_send`, "a more meaningful saddr"
/// than that of the way back).
fn near_receiver(asked: Asked<'_, '_>, to: IpAddr, routed: IpAddr) -> IpAddr {
    let device = asked.skb.in_device;
    if device.name().is_none() {
        return routed;
    }
    let way = Way {
        device,
        ..Way::UNKNOWN
    };
    match asked.host.masquerade_source(&way, to) {
        SourceChoice::Address(address) => address,
        SourceChoice::None | SourceChoice::Unknown => routed,
    }
}

/// The address that was asked, if it is the host's own, else the one that routing chose.
fn own_or(asked: Asked<'_, '_>, own: IpAddr, routed: IpAddr) -> IpAddr {
    let local = asked.skb.kind == Some(RouteKind::Local);
    // `ipv6_chk_addr` finds ::1, an address of the host's scope, on the loopback device alone.
    let came = asked.skb.in_device.name();
    let foreign = came.is_some_and(|name| *name != InterfaceName::loopback());
    if own == IpAddr::V6(Ipv6Addr::LOCALHOST) && foreign {
        return routed;
    }
    if asked.host.is_own(own) || local {
        own
    } else {
        routed
    }
}

const fn is_unicast_frame(original: &Packet<'_>) -> bool {
    matches!(
        original.link.packet_type,
        PacketType::Host | PacketType::Outgoing
    )
}

/// Types that nobody handles are taken for errors too (`icmp_pointers`).
const fn is_error_v4(kind: u8) -> bool {
    matches!(kind, 1..=7 | 9..=12) || kind > 18
}

fn is_error_v6(original: &Packet<'_>) -> bool {
    let Ok(found) = ipv6::skip(original) else {
        return false;
    };
    if found.protocol != Protocol::ICMPV6 {
        return false;
    }
    match original.array::<1>(found.offset) {
        Ok([kind]) => kind & 0x80 == 0,
        Err(_) => found.fragment_offset == 0,
    }
}

/// The error's header and as much of the packet as fits.
fn quoting(error: IcmpError, original: &Packet<'_>, room: usize) -> Vec<u8> {
    let mut bytes = vec![error.kind, error.code, 0, 0];
    bytes.extend(error.info.to_be_bytes());
    bytes.extend(original.captured().iter().take(room));
    bytes
}
