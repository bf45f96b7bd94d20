//! Changing header fields in place, checksums following as the kernel's own arithmetic has them.

use netverdict_net::{Family, Packet, checksum};

/// Writes the TOS byte or traffic class (`ipv4_change_dsfield`, `ipv6_change_dsfield`).
pub(crate) fn set_tos(packet: &mut Packet<'_>, tos: u8) {
    let old = packet.tos();
    if old == tos {
        return;
    }
    match (packet.family(), packet.captured_mut()) {
        (Family::V4, [_, field, ..]) => {
            *field = tos;
            dsfield_checksum(packet, old, tos);
        }
        (Family::V6, [first, second, ..]) => {
            *first = *first & 0xf0 | tos >> 4;
            *second = *second & 0x0f | tos << 4;
        }
        _ => {}
    }
}

/// The kernel's own shortcut, which may differ from RFC 1624 in which of the two zeros it leaves.
fn dsfield_checksum(packet: &mut Packet<'_>, old: u8, new: u8) {
    let mut check = u32::from(packet.u16(10).unwrap_or(0)) + u32::from(old);
    if (check + 1) >> 16 != 0 {
        check = (check + 1) & 0xffff;
    }
    let check = check.wrapping_sub(new.into());
    put(packet, 10, (check.wrapping_add(check >> 16)) as u16);
}

/// Writes the TTL or hop limit.
pub(crate) fn set_ttl(packet: &mut Packet<'_>, ttl: u8) {
    let old = packet.ttl();
    if old == ttl {
        return;
    }
    match packet.family() {
        Family::V4 => {
            update_sum(packet, 10, &[old, 0], &[ttl, 0]);
            put_byte(packet, 8, ttl);
        }
        Family::V6 => put_byte(packet, 7, ttl),
    }
}

/// Writes a big-endian word, if it was captured.
pub(crate) fn put(packet: &mut Packet<'_>, at: usize, word: u16) {
    put_bytes(packet, at, &word.to_be_bytes());
}

/// Writes one byte, if it was captured.
pub(crate) fn put_byte(packet: &mut Packet<'_>, at: usize, byte: u8) {
    put_bytes(packet, at, &[byte]);
}

/// Writes bytes, as far as they were captured.
pub(crate) fn put_bytes(packet: &mut Packet<'_>, at: usize, bytes: &[u8]) {
    if let Some(place) = packet.captured_mut().get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Updates the checksum at `at` for bytes that change (`csum_replace2`, `inet_proto_csum_replace4`).
pub(crate) fn update_sum(packet: &mut Packet<'_>, at: usize, before: &[u8], after: &[u8]) {
    if let Ok(old) = packet.u16(at) {
        put(packet, at, checksum::update(old, before, after));
    }
}

/// Makes an IPv4 header's checksum anew (`ip_send_check`).
pub(crate) fn seal_ipv4(packet: &mut Packet<'_>) {
    put(packet, 10, 0);
    let len = netverdict_net::header::network_header_len(packet);
    let sum = packet
        .read(0, len)
        .map(|header| checksum::finish(checksum::sum(header, 0)));
    put(packet, 10, sum.unwrap_or(0));
}
