//! Header readers over a [`Packet`](crate::Packet), as the kernel's own walkers read it.

pub mod dccp;
pub mod icmp;
pub mod ipv6;
pub mod sctp;
pub mod tcp;
pub mod udp;

use crate::{Family, Packet, Protocol};

/// `(fragment offset in 8-byte units, more-fragments)` of an IPv4 packet; `(0, false)` for IPv6, whose fragment header
/// [`ipv6`] finds.
pub fn ipv4_fragment(packet: &Packet<'_>) -> (u16, bool) {
    if packet.family() == Family::V6 {
        return (0, false);
    }
    let word = packet.u16(6).unwrap_or(0);
    (word & 0x1fff, word & 0x2000 != 0)
}

/// The IPv4 header's length in bytes; 40 for IPv6.
pub fn network_header_len(packet: &Packet<'_>) -> usize {
    match packet.family() {
        Family::V4 => usize::from(packet.captured().first().copied().unwrap_or(0x45) & 15) * 4,
        Family::V6 => 40,
    }
}

/// IPv4 `protocol` or the IPv6 fixed header's next-header.
pub fn next_protocol(packet: &Packet<'_>) -> Protocol {
    let offset = match packet.family() {
        Family::V4 => 9,
        Family::V6 => 6,
    };
    Protocol(packet.captured().get(offset).copied().unwrap_or(0))
}
