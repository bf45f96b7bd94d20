//! Ethernet II. 802.3 frames carry a length in place of the EtherType and no IP that Linux would read.

use netverdict_net::{Link, LinkKind, MacAddr, PacketType};

use super::{Bytes, Decoded, tags};
use crate::frame::{Layer, Network, SkipReason};
use crate::headers::Ethernet;

/// The least EtherType; below it the field is a length (ETH_P_802_3_MIN).
const LEAST_ETHER_TYPE: u16 = 0x0600;

#[inline]
pub(crate) fn decode(bytes: Bytes<'_>) -> Decoded {
    let Some(header) = Ethernet::read(bytes.rest()) else {
        return Decoded {
            network: bytes.missing(Ethernet::LEN, Layer::Ethernet),
            ..Decoded::default()
        };
    };
    let link = Link {
        kind: LinkKind::Ethernet,
        source: Some(header.source),
        destination: Some(header.destination),
        packet_type: packet_type(header.destination),
        port: None,
    };
    let bytes = bytes.skip(Ethernet::LEN);
    let mut decoded = Decoded {
        link,
        ..Decoded::default()
    };
    decoded.network = if header.ether_type < LEAST_ETHER_TYPE {
        Network::Skipped(SkipReason::Llc)
    } else {
        tags::network(bytes, header.ether_type, &mut decoded.tags)
    };
    decoded
}

/// As far as the destination tells (eth_type_trans); a unicast frame may still be for another host.
fn packet_type(destination: MacAddr) -> PacketType {
    if destination == MacAddr::BROADCAST {
        PacketType::Broadcast
    } else if destination.is_multicast() {
        PacketType::Multicast
    } else {
        PacketType::Host
    }
}
