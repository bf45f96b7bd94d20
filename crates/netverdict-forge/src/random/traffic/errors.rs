//! ICMP errors: about a packet as this side saw it, or about none.

use std::net::IpAddr;

use netverdict_net::Family;

use super::super::Rng;
use super::super::network::Network;
use super::super::packet::{self, Ip, Tcp, flag};
use super::sides::Side;

/// Types and codes, with the second word.
const V4: [(u8, u8, u32); 9] = [
    (3, 0, 0),
    (3, 1, 0),
    (3, 3, 0),
    (3, 4, 1400),
    (3, 13, 0),
    (11, 0, 0),
    (12, 0, 0),
    (4, 0, 0),
    (5, 1, 0xcb00_71fe),
];
const V6: [(u8, u8, u32); 5] = [(1, 0, 0), (1, 4, 0), (2, 0, 1280), (3, 0, 0), (4, 1, 40)];

/// An error about the last packet that reached this side, from it or from a router before it.
pub(super) fn about_received(rng: &mut Rng, network: &Network, side: &Side) -> Option<Vec<u8>> {
    let quoted = side.received.clone()?;
    let to = source_of(&quoted)?;
    let from = if rng.chance(60) {
        side.own
    } else {
        router(rng, network, Family::of(side.own))
    };
    (from.is_ipv4() == to.is_ipv4()).then(|| error(rng, from, to, &quoted))
}

/// An error about a connection that there never was.
pub(super) fn baseless(rng: &mut Rng, network: &Network, side: &Side) -> Vec<u8> {
    let everybody = network.everybody(Family::of(side.own));
    let stranger = *rng.pick(&everybody);
    let ip = Ip::new(side.peer, stranger);
    let tcp = Tcp {
        source: 1,
        destination: 2,
        flags: flag::SYN,
        ..Tcp::default()
    };
    error(rng, side.own, side.peer, &tcp.packet(&ip))
}

fn router(rng: &mut Rng, network: &Network, family: Family) -> IpAddr {
    let everybody = network.everybody(family);
    *rng.pick(&everybody)
}

fn error(rng: &mut Rng, from: IpAddr, to: IpAddr, quoted: &[u8]) -> Vec<u8> {
    let mut ip = Ip::new(from, to);
    ip.fragment = 0;
    ip.id = rng.between(1, 65535) as u16;
    let (kind, code, word) = *rng.pick(if from.is_ipv4() { &V4[..] } else { &V6[..] });
    let header = if from.is_ipv4() { 20 } else { 40 };
    let keep = match rng.below(8) {
        0 => header + 4,
        1 => header + 7,
        2 => header,
        3 => 12,
        4..=5 => header + 8,
        _ => 520,
    };
    let quoted = &quoted[..quoted.len().min(keep)];
    let bytes = packet::icmp(&ip, kind, code, word, quoted);
    ip.packet(packet::icmp_protocol(from), &bytes)
}

fn source_of(packet: &[u8]) -> Option<IpAddr> {
    if packet.first()? >> 4 == 4 {
        let bytes = packet.get(12..)?.first_chunk::<4>()?;
        Some(IpAddr::from(*bytes))
    } else {
        let bytes = packet.get(8..)?.first_chunk::<16>()?;
        Some(IpAddr::from(*bytes))
    }
}
