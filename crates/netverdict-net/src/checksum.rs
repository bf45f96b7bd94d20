//! Internet checksums: RFC 1071 sums, pseudo-headers, and RFC 1624 incremental updates.

use std::net::IpAddr;

use crate::Protocol;

/// The one's-complement sum of `bytes`, folded to 16 bits, on top of `start`. Odd tails are padded with a zero byte.
pub fn sum(bytes: &[u8], start: u32) -> u32 {
    let mut total = u64::from(start);
    let mut words = bytes.chunks_exact(4);
    for word in &mut words {
        total += u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    }
    let mut tail = [0; 4];
    tail[..words.remainder().len()].copy_from_slice(words.remainder());
    total += u64::from(u32::from_be_bytes(tail));
    u32::from(fold(total))
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
    let addresses = match (source, destination) {
        (IpAddr::V4(s), IpAddr::V4(d)) => sum(&d.octets(), sum(&s.octets(), 0)),
        (IpAddr::V6(s), IpAddr::V6(d)) => sum(&d.octets(), sum(&s.octets(), 0)),
        _ => 0,
    };
    u32::from(fold(
        u64::from(addresses) + u64::from(protocol.0) + u64::from(len),
    ))
}

/// RFC 1624: the checksum `old` after some bytes changed from `before` to `after` (equal, even lengths).
pub fn update(old: u16, before: &[u8], after: &[u8]) -> u16 {
    let removed = !fold(u64::from(sum(before, 0)));
    !fold(u64::from(!old) + u64::from(removed) + u64::from(sum(after, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

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
