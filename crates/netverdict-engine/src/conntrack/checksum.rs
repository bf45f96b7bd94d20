//! Verifying layer-4 checksums, as a kernel does whose device has not (`nf_checksum`).

use netverdict_net::checksum::{fold, pseudo_header, sum};
use netverdict_net::{Packet, Protocol};

use super::layer4::Fault;

const BAD: Fault = Fault::Invalid("bad checksum");

/// Verifies the checksum of all bytes from `offset` on, or of the first `coverage` of them, with the pseudo-header of
/// `protocol` (none for IPv4's ICMP). Where the capture lacks bytes the checksum is taken for right.
pub(crate) fn verify(
    packet: &Packet<'_>,
    offset: usize,
    protocol: Protocol,
    coverage: Option<usize>,
) -> Result<(), Fault> {
    let len = packet.len() - offset;
    let Ok(bytes) = packet.read(offset, coverage.unwrap_or(len)) else {
        return Ok(());
    };
    let start = if protocol == Protocol::ICMP {
        0
    } else {
        pseudo_header(packet.source(), packet.destination(), protocol, len as u32)
    };
    if fold(u64::from(sum(bytes, start))) == 0xffff {
        Ok(())
    } else {
        Err(BAD)
    }
}

/// Verifies the checksum of all bytes from `offset` on.
pub(crate) fn verify_plain(
    packet: &Packet<'_>,
    offset: usize,
    protocol: Protocol,
) -> Result<(), Fault> {
    verify(packet, offset, protocol, None)
}

/// Verifies an SCTP packet's CRC32c.
pub(crate) fn verify_sctp(packet: &Packet<'_>, offset: usize) -> Result<(), Fault> {
    let Ok(bytes) = packet.read(offset, packet.len() - offset) else {
        return Ok(());
    };
    match bytes.get(8..12) {
        Some(stored) if stored == sctp(bytes).to_le_bytes() => Ok(()),
        _ => Err(BAD),
    }
}

/// The CRC32c of an SCTP packet, its checksum field taken for zero. Sent least significant byte first.
pub(crate) fn sctp(bytes: &[u8]) -> u32 {
    let (head, tail) = bytes.split_at(bytes.len().min(8));
    let rest = tail.get(4..).unwrap_or_default();
    !crc32c(crc32c(crc32c(u32::MAX, head), &[0; 4]), rest)
}

fn crc32c(mut crc: u32, bytes: &[u8]) -> u32 {
    for byte in bytes {
        crc = CRC_TABLE[usize::from(crc as u8 ^ byte)] ^ crc >> 8;
    }
    crc
}

const CRC_TABLE: [u32; 256] = crc_table();

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0x82f6_3b78
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32C.
    #[test]
    fn crc32c_of_the_nine_digits() {
        assert_eq!(!crc32c(u32::MAX, b"123456789"), 0xe306_9283);
    }
}
