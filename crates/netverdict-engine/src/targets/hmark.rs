//! HMARK (xt_HMARK.c): a mark from a hash over addresses and ports, the same in both directions.

use std::net::IpAddr;

use netverdict_net::header::{ipv4_fragment, ipv6, network_header_len, next_protocol};
use netverdict_net::{AddrMask, Family, Packet, Protocol};
use netverdict_ruleset::targets::Hmark;

use super::mark;
use crate::context::{Action, TargetCx};
use crate::jhash::{jhash_3words, scale};

/// What is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tuple {
    source: u32,
    destination: u32,
    ports: u32,
    protocol: u8,
}

pub(super) fn apply(target: Hmark, cx: &mut TargetCx<'_, '_>) -> Action {
    let tuple = if target.use_conntrack {
        of_connection(target, cx)
    } else {
        match cx.param.family {
            Family::V4 => of_ipv4(target, &cx.skb.packet),
            Family::V6 => of_ipv6(target, &cx.skb.packet),
        }
    };
    if let Some(tuple) = tuple {
        mark::set(hash(target, tuple), cx);
    }
    Action::Continue
}

fn hash(target: Hmark, tuple: Tuple) -> u32 {
    let (low, high) = (
        tuple.source.min(tuple.destination),
        tuple.source.max(tuple.destination),
    );
    let hash = jhash_3words([low, high, tuple.ports], target.seed.unwrap_or(0));
    let hash = hash ^ u32::from(u16::from(tuple.protocol) & target.protocol_mask.unwrap_or(0));
    scale(hash, target.modulus).wrapping_add(target.offset.unwrap_or(0))
}

/// The original's source and the reply's source; `None` without a connection.
fn of_connection(target: Hmark, cx: &TargetCx<'_, '_>) -> Option<Tuple> {
    let tracking = cx.state.conntrack.describe(cx.skb.connection, None);
    let (original, reply) = (tracking.original?, tracking.reply?);
    let mut tuple = Tuple {
        source: folded(original.source, target.source_prefix_len),
        destination: folded(reply.source, target.destination_prefix_len),
        ports: 0,
        protocol: original.protocol.0,
    };
    if original.protocol != Protocol::ICMP {
        tuple.ports = ports(target, original.source_port, reply.source_port);
    }
    Some(tuple)
}

/// An ICMP error's tuple is that of the packet it quotes.
fn of_ipv4(target: Hmark, packet: &Packet<'_>) -> Option<Tuple> {
    let mut network = 0;
    if next_protocol(packet) == Protocol::ICMP && ipv4_fragment(packet).0 == 0 {
        let at = network_header_len(packet);
        let error = matches!(packet.array::<1>(at), Ok([3 | 4 | 5 | 11 | 12]));
        if error && packet.read(at + 8, 20).is_ok() {
            network = at + 8;
        }
    }
    let header = packet.array::<20>(network).ok()?;
    let addr =
        |at: usize| IpAddr::from([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let protocol = Protocol(header[9]);
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let at = network + usize::from(header[0] & 15) * 4;
    let mut tuple = Tuple {
        source: folded(addr(12), target.source_prefix_len),
        destination: folded(addr(16), target.destination_prefix_len),
        ports: 0,
        protocol: protocol.0,
    };
    if protocol != Protocol::ICMP && !fragment {
        tuple.ports = read_ports(target, packet, protocol, at);
    }
    Some(tuple)
}

/// An ICMPv6 error's tuple is that of the packet it quotes; `None` if that cannot be read.
fn of_ipv6(target: Hmark, packet: &Packet<'_>) -> Option<Tuple> {
    const ICMP_HEADER: usize = 8;
    let Ok(found) = find(packet) else {
        return Some(Tuple::default());
    };
    let error = matches!(packet.array::<1>(found.offset), Ok([1..128]));
    if found.protocol != Protocol::ICMPV6 || is_fragment(packet) || !error {
        return Some(of_headers(target, packet, &found));
    }
    let quoted = packet.captured().get(found.offset + ICMP_HEADER..)?;
    // Quotes are cut, and the kernel does not look at the length they state.
    let mut quoted = quoted.to_vec();
    let rest = u16::try_from(quoted.len().checked_sub(40)?).unwrap_or(u16::MAX);
    quoted.get_mut(4..6)?.copy_from_slice(&rest.to_be_bytes());
    let inner = Packet::new(&quoted, quoted.len(), packet.link).ok()?;
    if inner.family() != Family::V6 {
        return None;
    }
    let found = find(&inner).ok()?;
    Some(of_headers(target, &inner, &found))
}

/// The header that is hashed: of what is authenticated, the one that says so (`IP6_FH_F_AUTH`).
fn find(packet: &Packet<'_>) -> Result<ipv6::Found, ipv6::WalkError> {
    ipv6::find(packet, Some(Protocol::AH)).or_else(|_| ipv6::find(packet, None))
}

fn is_fragment(packet: &Packet<'_>) -> bool {
    ipv6::find(packet, Some(Protocol::FRAGMENT)).is_ok()
}

fn with_addresses(target: Hmark, packet: &Packet<'_>) -> Tuple {
    Tuple {
        source: folded(packet.source(), target.source_prefix_len),
        destination: folded(packet.destination(), target.destination_prefix_len),
        ..Tuple::default()
    }
}

fn of_headers(target: Hmark, packet: &Packet<'_>, found: &ipv6::Found) -> Tuple {
    let mut tuple = with_addresses(target, packet);
    tuple.protocol = found.protocol.0;
    if found.protocol != Protocol::ICMPV6 && !is_fragment(packet) {
        tuple.ports = read_ports(target, packet, found.protocol, found.offset);
    }
    tuple
}

fn read_ports(target: Hmark, packet: &Packet<'_>, protocol: Protocol, at: usize) -> u32 {
    let skip = match protocol {
        Protocol::TCP
        | Protocol::UDP
        | Protocol::DCCP
        | Protocol::ESP
        | Protocol::SCTP
        | Protocol::UDPLITE => 0,
        Protocol::AH => 4,
        _ => return 0,
    };
    match packet.array::<4>(at + skip) {
        Ok(&[a, b, c, d]) => ports(
            target,
            u16::from_be_bytes([a, b]),
            u16::from_be_bytes([c, d]),
        ),
        Err(_) => 0,
    }
}

/// Masked, set, and the greater one first (`hmark_swap_ports`). A security parameter index is both ports at once.
fn ports(target: Hmark, source: u16, destination: u16) -> u32 {
    let both = |high: Option<u16>, low: Option<u16>, whole: Option<u32>| {
        u32::from(high.unwrap_or(0)) << 16 | u32::from(low.unwrap_or(0)) | whole.unwrap_or(0)
    };
    let mask = both(
        target.source_port_mask,
        target.destination_port_mask,
        target.spi_mask,
    );
    let set = both(target.source_port, target.destination_port, target.spi);
    let word = (u32::from(source) << 16 | u32::from(destination)) & mask | set;
    word.max(word.rotate_left(16))
}

/// An address under its prefix as one word; IPv6's four are XORed.
fn folded(addr: IpAddr, prefix_len: Option<u8>) -> u32 {
    match AddrMask::prefix(addr, prefix_len.unwrap_or(0)) {
        AddrMask::V4 { addr, .. } => addr,
        AddrMask::V6 { addr, .. } => (0..4).fold(0, |word, i| word ^ (addr >> (i * 32)) as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tcp_packet;
    use netverdict_net::Link;

    #[test]
    fn both_directions_give_one_mark() {
        let target = Hmark {
            source_prefix_len: Some(32),
            destination_prefix_len: Some(32),
            source_port_mask: Some(0xffff),
            destination_port_mask: Some(0xffff),
            protocol_mask: Some(0xff),
            seed: Some(0xfeed),
            modulus: 1000,
            offset: Some(7),
            ..Hmark::default()
        };
        let mark = |bytes: &[u8]| {
            let packet = Packet::new(bytes, bytes.len(), Link::default()).unwrap();
            hash(target, of_ipv4(target, &packet).unwrap())
        };
        let there = mark(&tcp_packet("10.0.0.1", "10.0.0.2", (4000, 80), 2));
        let back = mark(&tcp_packet("10.0.0.2", "10.0.0.1", (80, 4000), 18));
        let other = mark(&tcp_packet("10.0.0.2", "10.0.0.1", (80, 4001), 18));
        assert_eq!(there, back);
        assert_ne!(there, other);
        assert!((7..1007).contains(&there));
    }
}
