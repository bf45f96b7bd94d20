//! Checksums that a device is yet to fill in.

use netverdict_net::{Packet, Protocol, checksum};

/// Whether the checksum field of a TCP segment or UDP datagram at `offset` holds the pseudo-header's sum alone.
///
/// So does a sender leave it to the device, which adds the rest; a capture on a virtual device shows it at both ends. So
/// does the kernel leave it in segments that it merged on receiving, once it has found each of them right. Connection
/// tracking asks no more of such a packet (`CHECKSUM_PARTIAL`).
pub(crate) fn is_pending(packet: &Packet<'_>, protocol: Protocol, offset: usize) -> bool {
    let at = match protocol {
        Protocol::TCP => 16,
        Protocol::UDP => 6,
        _ => return false,
    };
    let (Some(len), Ok(field)) = (packet.len().checked_sub(offset), packet.u16(offset + at)) else {
        return false;
    };
    let start =
        checksum::pseudo_header(packet.source(), packet.destination(), protocol, len as u32);
    field == checksum::fold(u64::from(start))
}

#[cfg(test)]
mod tests {
    use netverdict_net::Link;

    use super::*;

    #[test]
    fn the_field_of_a_veth_is_pending_and_a_filled_one_is_not() {
        // 192.0.2.2:49152 > 192.0.2.1:80, SYN, as captured on a virtual device.
        let mut bytes = [
            0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0xb6, 0xcb, 192, 0, 2, 2, 192, 0, 2, 1, 0xc0, 0,
            0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xfa, 0xf0, 0x84, 0x1e, 0, 0,
        ];
        let pending = |bytes: &[u8], protocol| {
            let packet = Packet::new(bytes, bytes.len(), Link::default()).unwrap();
            is_pending(&packet, protocol, 20)
        };
        assert!(pending(&bytes, Protocol::TCP));
        assert!(!pending(&bytes, Protocol::UDP));
        assert!(!pending(&bytes, Protocol::SCTP));
        bytes[36] ^= 1;
        assert!(!pending(&bytes, Protocol::TCP));
    }
}
