//! Internet checksums: RFC 1071 sums, pseudo-headers, and RFC 1624 incremental updates.

use std::net::IpAddr;

use crate::{Packet, Protocol};

/// The one's-complement sum of `bytes`, folded to 16 bits, on top of `start`. Odd tails are padded with a zero byte.
pub fn sum(bytes: &[u8], start: u32) -> u32 {
    // In the machine's own byte order: the sum of swapped words is the swapped sum (RFC 1071).
    let wide = |word: [u8; 8]| {
        let word = u64::from_ne_bytes(word);
        (word >> 32) + (word & 0xffff_ffff)
    };
    let (words, rest) = bytes.as_chunks::<8>();
    let (halves, rest) = rest.as_chunks::<4>();
    let (pairs, odd) = rest.as_chunks::<2>();
    let mut total = words.iter().fold(0, |total, word| total + wide(*word));
    for half in halves {
        total += u64::from(u32::from_ne_bytes(*half));
    }
    for pair in pairs {
        total += u64::from(u16::from_ne_bytes(*pair));
    }
    for byte in odd {
        total += u64::from(u16::from_ne_bytes([*byte, 0]));
    }
    u32::from(fold(u64::from(start) + u64::from(fold(total).to_be())))
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

/// Folds a wide sum to 16 bits with end-around carry.
pub fn fold(mut total: u64) -> u16 {
    while total >> 16 != 0 {
        total = (total & 0xffff) + (total >> 16);
    }
    total as u16
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
