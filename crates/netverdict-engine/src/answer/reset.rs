//! TCP resets (`nf_send_reset`, `nf_send_reset6`).

use std::net::IpAddr;

use netverdict_host::RouteKind;
use netverdict_net::header::{ipv4_fragment, ipv6, network_header_len};
use netverdict_net::{Family, Packet, Protocol};

use super::{Answer, Asked, Header, packet, verify};

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const HOP_LIMIT: u8 = 64;

/// Resets the connection of a TCP segment, in the name of its receiver.
pub(crate) fn reset(asked: Asked<'_, '_>) -> Answer {
    let original = &asked.skb.packet;
    let at = tcp_offset(original)?;
    let header: &[u8; 20] = original.array(at).map_err(|_| "no whole TCP header")?;
    let flags = header[13];
    if flags & RST != 0 {
        return Err("it is a reset itself");
    }
    // `nf_reject_ip6_tcphdr_get` looks again whatever was proven.
    let proven = match original.family() {
        Family::V4 => asked.skb.checksum_proven,
        Family::V6 => asked.skb.sum_stands(),
    };
    if !asked.skb.checksum_trusted && !proven && !verify::holds(original, Protocol::TCP, at) {
        return Err("bad TCP checksum");
    }
    if matches!(
        asked.skb.kind,
        Some(RouteKind::Broadcast | RouteKind::Multicast)
    ) {
        return Err("its destination is no single host");
    }
    if let IpAddr::V6(source) = original.source()
        && (source.is_multicast()
            || source.is_unspecified()
            || original.destination().is_multicast())
    {
        return Err("its addresses are no single hosts");
    }
    let segment = segment(header, original.len() - at);
    let family = original.family();
    let answer = Header {
        source: original.destination(),
        destination: original.source(),
        protocol: Protocol::TCP,
        tos: 0,
        ttl: hop_limit(asked, family),
        dont_fragment: true,
    };
    Ok(packet(&answer, segment, 16, true))
}

fn hop_limit(asked: Asked<'_, '_>, family: Family) -> u8 {
    use netverdict_host::keys;
    let key = match family {
        Family::V4 => keys::IP_DEFAULT_TTL,
        Family::V6 => keys::IPV6_HOP_LIMIT,
    };
    u8::try_from(asked.host.sysctls().get(key)).unwrap_or(HOP_LIMIT)
}

fn tcp_offset(original: &Packet<'_>) -> Result<usize, &'static str> {
    match original.family() {
        Family::V4 if ipv4_fragment(original).0 != 0 => Err("it is a later fragment"),
        Family::V4 => Ok(network_header_len(original)),
        Family::V6 => match ipv6::skip(original) {
            Ok(found) if found.protocol == Protocol::TCP && found.fragment_offset == 0 => {
                Ok(found.offset)
            }
            _ => Err("no TCP header"),
        },
    }
}

/// The reset's 20 bytes: acknowledges `len` bytes of header and data, or takes the sequence number it was told to.
fn segment(original: &[u8; 20], len: usize) -> Vec<u8> {
    let word = |at: usize| {
        u32::from_be_bytes([
            original[at],
            original[at + 1],
            original[at + 2],
            original[at + 3],
        ])
    };
    let flags = original[13];
    let data = (len as u32).wrapping_sub(u32::from(original[12] >> 4) * 4);
    let (sequence, acknowledgement, out) = if flags & ACK != 0 {
        (word(8), 0, RST)
    } else {
        let taken = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        (0, word(4).wrapping_add(taken).wrapping_add(data), RST | ACK)
    };
    let mut bytes = vec![0; 20];
    bytes[0..2].copy_from_slice(&original[2..4]);
    bytes[2..4].copy_from_slice(&original[0..2]);
    bytes[4..8].copy_from_slice(&u32::to_be_bytes(sequence));
    bytes[8..12].copy_from_slice(&u32::to_be_bytes(acknowledgement));
    bytes[12] = 5 << 4;
    bytes[13] = out;
    bytes
}
