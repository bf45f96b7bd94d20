//! A packet's ends as its headers tell: addresses, protocol, ports.

use std::net::IpAddr;

use netverdict_net::header::{ipv4_fragment, ipv6, network_header_len, next_protocol};
use netverdict_net::{Family, Packet, Protocol};

use crate::Transport;

/// Reads them as connection tracking does; what is not there is 0.
pub(crate) fn of(packet: &Packet<'_>) -> Transport {
    let (protocol, offset) = layer4(packet);
    let (source_port, destination_port) = offset.map_or((0, 0), |at| words(packet, protocol, at));
    Transport {
        source: packet.source(),
        destination: packet.destination(),
        protocol,
        source_port,
        destination_port,
    }
}

/// The transport protocol and where its header is, if this is not a later fragment.
pub(crate) fn layer4(packet: &Packet<'_>) -> (Protocol, Option<usize>) {
    match packet.family() {
        Family::V4 => {
            let first = ipv4_fragment(packet).0 == 0;
            let offset = first.then(|| network_header_len(packet));
            (next_protocol(packet), offset)
        }
        Family::V6 => match ipv6::find(packet, None) {
            Ok(found) if found.fragment_offset == 0 => (found.protocol, Some(found.offset)),
            Ok(found) => (found.protocol, None),
            Err(_) => (next_protocol(packet), None),
        },
    }
}

fn words(packet: &Packet<'_>, protocol: Protocol, at: usize) -> (u16, u16) {
    let word = |offset| packet.u16(at + offset).unwrap_or(0);
    match protocol {
        Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP | Protocol::DCCP => {
            (word(0), word(2))
        }
        Protocol::ICMP | Protocol::ICMPV6 => (word(4), word(0)),
        _ => (0, 0),
    }
}

/// `10.0.0.1:80`, `[fe80::1]:80`.
pub(crate) fn text(addr: IpAddr, port: u16) -> String {
    std::net::SocketAddr::new(addr, port).to_string()
}
