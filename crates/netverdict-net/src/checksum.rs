//! Internet checksums: RFC 1071 sums, pseudo-headers, and RFC 1624 incremental updates.

use std::net::IpAddr;

use crate::{Packet, Protocol};

/// The one's-complement sum of `bytes`, folded to 16 bits, on top of `start`. Odd tails are padded with a zero byte.
pub fn sum(bytes: &[u8], start: u32) -> u32 {
    u32::from(fold(
        u64::from(start) + u64::from(fold(total(bytes)).swap_bytes()),
    ))
}

/// The sum of little-endian words, which is the swapped sum (RFC 1071), in halves of 32 bits.
#[inline]
fn total(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    // One addition a word, one for what it carries; 2^64 counts as 1.
    let wide: u128 = words
        .iter()
        .map(|word| u128::from(u64::from_le_bytes(*word)))
        .sum();
    halves(wide as u64) + (wide >> 64) as u64 + halves(tail(bytes, rest.len()))
}

/// The last bytes, seven at most, of all as a little-endian word.
#[inline]
fn tail(bytes: &[u8], len: usize) -> u64 {
    if len == 0 {
        return 0;
    }
    if let Some(last) = bytes.last_chunk() {
        return u64::from_le_bytes(*last) >> (64 - 8 * len);
    }
    let mut word = [0; 8];
    word.iter_mut()
        .zip(bytes)
        .for_each(|(byte, given)| *byte = *given);
    u64::from_le_bytes(word)
}

#[inline]
const fn halves(word: u64) -> u64 {
    (word >> 32) + (word & 0xffff_ffff)
}

/// Whether a sum, of less than all ones to the 64th bit, folds to all ones: it is a multiple of those, but not none.
#[inline]
const fn is_all_ones(total: u64) -> bool {
    total != 0 && total.is_multiple_of(0xffff)
}

/// Whether the checksum of a whole TCP segment or UDP datagram at `offset` is right; false of all else, and where one
/// cannot say.
pub fn is_right(packet: &Packet<'_>, protocol: Protocol, offset: usize) -> bool {
    let Some(len) = packet.len().checked_sub(offset) else {
        return false;
    };
    let Ok(bytes) = packet.read(offset, len) else {
        return false;
    };
    let start = pseudo_header(packet.source(), packet.destination(), protocol, len as u32);
    matches!(protocol, Protocol::TCP | Protocol::UDP)
        && fold(u64::from(sum(bytes, start))) == 0xffff
}

/// The same of the whole segment or datagram behind an IPv4 header without options.
#[inline]
pub fn is_right_v4(header: &[u8; 20], body: &[u8]) -> bool {
    let [.., a, b, c, d, e, f, g, h] = *header;
    let addresses = halves(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    let protocol = u64::from(header[9]) << 8;
    let len = u64::from((body.len() as u16).swap_bytes());
    // In either byte order all bits are set.
    is_all_ones(addresses + protocol + len + total(body))
}

/// Whether the checksum of an IPv4 header without options is right.
#[inline]
pub fn is_sealed_v4(header: &[u8; 20]) -> bool {
    let [a, b, c, d, e, f, g, h, rest @ ..] = *header;
    let [i, j, k, l, m, n, o, p, rest @ ..] = rest;
    let first = halves(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    let second = halves(u64::from_le_bytes([i, j, k, l, m, n, o, p]));
    is_all_ones(first + second + u64::from(u32::from_le_bytes(rest)))
}

/// Folds a wide sum to 16 bits with end-around carry.
#[inline]
pub const fn fold(total: u64) -> u16 {
    // 33 bits at most, then 18, then 17, then 16.
    let total = (total & 0xffff_ffff) + (total >> 32);
    let total = (total & 0xffff) + (total >> 16);
    let total = (total & 0xffff) + (total >> 16);
    ((total & 0xffff) + (total >> 16)) as u16
}

/// The checksum field for `bytes` whose checksum field is zero.
pub fn finish(sum: u32) -> u16 {
    !fold(u64::from(sum))
}

/// The pseudo-header's sum: addresses, protocol and layer-4 length.
pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: Protocol, len: u32) -> u32 {
    let half = |bits: u64| (bits >> 32) + (bits & 0xffff_ffff);
    let long = |bits: u128| half((bits >> 64) as u64) + half(bits as u64);
    let addresses = match (source, destination) {
        (IpAddr::V4(s), IpAddr::V4(d)) => u64::from(s.to_bits()) + u64::from(d.to_bits()),
        (IpAddr::V6(s), IpAddr::V6(d)) => long(s.to_bits()) + long(d.to_bits()),
        _ => 0,
    };
    u32::from(fold(addresses + u64::from(protocol.0) + u64::from(len)))
}

/// RFC 1624: the checksum `old` after some bytes changed from `before` to `after` (equal, even lengths).
pub fn update(old: u16, before: &[u8], after: &[u8]) -> u16 {
    let removed = !fold(u64::from(sum(before, 0)));
    !fold(u64::from(!old) + u64::from(removed) + u64::from(sum(after, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_and_any_start() {
        let bytes: Vec<u8> = (0..=255).cycle().skip(7).take(301).collect();
        for len in 0..bytes.len() {
            let words = bytes[..len].chunks(2).map(|pair| {
                let [high, low] = [pair[0], pair.get(1).copied().unwrap_or(0)];
                u64::from(u16::from_be_bytes([high, low]))
            });
            let total: u64 = words.sum();
            assert_eq!(sum(&bytes[..len], 9), u32::from(fold(total + 9)));
        }
    }

    /// The header of RFC 1071-style examples, as sent by another implementation.
    #[test]
    fn ipv4_header_checksum() {
        let mut header = [
            0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,
            0xc7,
        ];
        assert_eq!(finish(sum(&header, 0)), 0xb861);
        header[10..12].copy_from_slice(&[0xb8, 0x61]);
        assert_eq!(finish(sum(&header, 0)), 0);
        assert_eq!(update(0xb861, &header[12..16], &[10, 0, 0, 1]), {
            header[10..12].copy_from_slice(&[0, 0]);
            header[12..16].copy_from_slice(&[10, 0, 0, 1]);
            finish(sum(&header, 0))
        });
    }
}
