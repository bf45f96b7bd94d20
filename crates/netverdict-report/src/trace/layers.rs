//! A packet's layers in words, from the link up.

use netverdict_capture::Tag;
use netverdict_net::{Family, Link, LinkKind, Packet, PacketType, Protocol, header};

/// A layer's name and what is worth saying of it.
pub(super) type Layer = (&'static str, String);

/// All layers of a packet.
pub(super) fn of(packet: &Packet<'_>, tags: &[Tag]) -> Vec<Layer> {
    let mut layers = vec![link(&packet.link)];
    layers.extend(tags.iter().map(tag));
    layers.extend(network(packet));
    layers
}

fn link(link: &Link) -> Layer {
    let mac = |mac: Option<netverdict_net::MacAddr>| {
        mac.map_or_else(|| "?".to_owned(), |m| m.to_string())
    };
    let kind = match link.packet_type {
        PacketType::Host => "to this host",
        PacketType::Broadcast => "broadcast",
        PacketType::Multicast => "multicast",
        PacketType::OtherHost => "to another host",
        PacketType::Outgoing => "sent by this host",
    };
    match link.kind {
        LinkKind::Ethernet => (
            "ethernet",
            format!("{} > {}, {kind}", mac(link.source), mac(link.destination)),
        ),
        LinkKind::Cooked => ("cooked", format!("from {}, {kind}", mac(link.source))),
        LinkKind::Bare => ("link", format!("no addresses, {kind}")),
    }
}

fn tag(tag: &Tag) -> Layer {
    match tag {
        Tag::Vlan { tpid, tci } => (
            "vlan",
            format!("{} (priority {}, 0x{tpid:04x})", tci & 0x0fff, tci >> 13),
        ),
        Tag::Pppoe { session } => ("pppoe", format!("session {session}")),
        Tag::Mpls { label } => ("mpls", format!("label {label}")),
    }
}

fn network(packet: &Packet<'_>) -> Vec<Layer> {
    match packet.family() {
        Family::V4 => {
            let (offset, more) = header::ipv4_fragment(packet);
            let ip = ("ipv4", ipv4(packet, offset, more));
            let at = header::network_header_len(packet);
            vec![
                ip,
                transport(packet, header::next_protocol(packet), at, offset != 0),
            ]
        }
        Family::V6 => ipv6(packet),
    }
}

fn ipv4(packet: &Packet<'_>, offset: u16, more: bool) -> String {
    let dont = packet.u16(6).is_ok_and(|word| word & 0x4000 != 0);
    let mut parts = vec![
        format!("{} > {}", packet.source(), packet.destination()),
        format!("ttl {}", packet.ttl()),
        format!("tos 0x{:02x}", packet.tos()),
        format!("id {}", packet.u16(4).unwrap_or(0)),
        format!("length {}", packet.len()),
    ];
    if dont {
        parts.push("don't fragment".to_owned());
    }
    if offset != 0 || more {
        let rest = if more { "more follow" } else { "the last" };
        parts.push(format!("fragment at {} ({rest})", u32::from(offset) * 8));
    }
    parts.join(", ")
}

fn ipv6(packet: &Packet<'_>) -> Vec<Layer> {
    let text = format!(
        "{} > {}, hop limit {}, class 0x{:02x}, length {}",
        packet.source(),
        packet.destination(),
        packet.ttl(),
        packet.tos(),
        packet.len()
    );
    let mut layers = vec![("ipv6", text)];
    if let Ok(fragment) = header::ipv6::find(packet, Some(Protocol::FRAGMENT)) {
        let word = packet.u16(fragment.offset + 2).unwrap_or(0);
        layers.push((
            "fragment",
            format!(
                "at {}{}",
                word & 0xfff8,
                if word & 1 == 1 { ", more follow" } else { "" }
            ),
        ));
    }
    match header::ipv6::find(packet, None) {
        Ok(found) => layers.push(transport(
            packet,
            found.protocol,
            found.offset,
            found.fragment_offset != 0,
        )),
        Err(header::ipv6::WalkError::Fragment { protocol, .. }) => {
            layers.push(transport(packet, protocol, 0, true));
        }
        Err(_) => layers.push(("ipv6", "the extension headers cannot be read".to_owned())),
    }
    layers
}

fn transport(packet: &Packet<'_>, protocol: Protocol, at: usize, is_later: bool) -> Layer {
    if is_later {
        return ("payload", format!("of a later fragment of {protocol}"));
    }
    let word = |offset| packet.u16(at + offset).ok();
    let ports = || match (word(0), word(2)) {
        (Some(source), Some(destination)) => format!("{source} > {destination}"),
        _ => "header cut off".to_owned(),
    };
    match protocol {
        Protocol::TCP => ("tcp", tcp(packet, at).unwrap_or_else(ports)),
        Protocol::UDP => (
            "udp",
            format!("{}, length {}", ports(), word(4).unwrap_or(0)),
        ),
        Protocol::UDPLITE => ("udplite", ports()),
        Protocol::SCTP => ("sctp", ports()),
        Protocol::DCCP => ("dccp", ports()),
        Protocol::ICMP | Protocol::ICMPV6 => {
            let name = if protocol == Protocol::ICMP {
                "icmp"
            } else {
                "icmpv6"
            };
            let text = word(0).map_or_else(
                || "header cut off".to_owned(),
                |kind| {
                    format!(
                        "type {}, code {}, id {}",
                        kind >> 8,
                        kind & 0xff,
                        word(4).unwrap_or(0)
                    )
                },
            );
            (name, text)
        }
        protocol => (
            "protocol",
            format!("{protocol}, {} bytes", packet.len().saturating_sub(at)),
        ),
    }
}

fn tcp(packet: &Packet<'_>, at: usize) -> Option<String> {
    let header: &[u8; 20] = packet.array(at).ok()?;
    let word = |offset: usize| u16::from_be_bytes([header[offset], header[offset + 1]]);
    let long = |offset: usize| (u32::from(word(offset)) << 16) | u32::from(word(offset + 2));
    let names = [
        (1, "FIN"),
        (2, "SYN"),
        (4, "RST"),
        (8, "PSH"),
        (16, "ACK"),
        (32, "URG"),
        (64, "ECE"),
        (128, "CWR"),
    ];
    let set: Vec<_> = names
        .iter()
        .filter(|(bit, _)| header[13] & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    let flags = if set.is_empty() {
        "no flags".to_owned()
    } else {
        set.join("+")
    };
    let payload = packet
        .len()
        .saturating_sub(at + usize::from(header[12] >> 4) * 4);
    Some(format!(
        "{} > {}, {flags}, seq {}, ack {}, window {}, payload {payload}",
        word(0),
        word(2),
        long(4),
        long(8),
        word(14)
    ))
}
