//! The end-to-end header of a captured packet, as reports and evidence name it.

use netverdict_engine::Transport;
use netverdict_net::{Family, Packet, Protocol, header};

/// Whether the protocol's first four bytes are two ports.
pub const fn has_ports(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP | Protocol::DCCP
    )
}

/// Where a packet's transport header is and which fragment it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) protocol: Protocol,
    /// Offset of the transport header (of a later fragment: of its data).
    pub(crate) offset: usize,
    /// Whether it is a fragment.
    pub(crate) is_fragment: bool,
    /// Whether it is one without a transport header.
    pub(crate) is_later: bool,
}

/// Finds the transport header.
pub(crate) fn place(packet: &Packet<'_>) -> Place {
    match packet.family() {
        Family::V4 => {
            let (offset, more) = header::ipv4_fragment(packet);
            Place {
                protocol: header::next_protocol(packet),
                offset: header::network_header_len(packet),
                is_fragment: offset != 0 || more,
                is_later: offset != 0,
            }
        }
        Family::V6 => place6(packet),
    }
}

fn place6(packet: &Packet<'_>) -> Place {
    let fragment = header::ipv6::find(packet, Some(Protocol::FRAGMENT));
    let is_fragment = fragment.is_ok();
    match header::ipv6::find(packet, None) {
        Ok(found) => Place {
            protocol: found.protocol,
            offset: found.offset,
            is_fragment,
            is_later: found.fragment_offset != 0,
        },
        Err(header::ipv6::WalkError::Fragment { protocol, .. }) => Place {
            protocol,
            offset: 40,
            is_fragment: true,
            is_later: true,
        },
        Err(_) => Place {
            protocol: header::next_protocol(packet),
            offset: 40,
            is_fragment,
            is_later: false,
        },
    }
}

/// The packet's addresses, protocol and layer-4 words.
pub(crate) fn transport(packet: &Packet<'_>) -> Transport {
    transport_at(packet, place(packet))
}

/// The same of a packet whose transport header was found.
pub(crate) fn transport_at(packet: &Packet<'_>, place: Place) -> Transport {
    let (source_port, destination_port) = words(packet, place);
    Transport {
        source: packet.source(),
        destination: packet.destination(),
        protocol: place.protocol,
        source_port,
        destination_port,
    }
}

fn words(packet: &Packet<'_>, place: Place) -> (u16, u16) {
    if place.is_later {
        return (0, 0);
    }
    let word = |at: usize| packet.u16(place.offset + at).unwrap_or(0);
    match place.protocol {
        Protocol::ICMP | Protocol::ICMPV6 => (word(4), word(0)),
        protocol if has_ports(protocol) => (word(0), word(2)),
        _ => (0, 0),
    }
}
