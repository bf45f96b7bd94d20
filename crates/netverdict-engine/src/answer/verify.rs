//! Whether a packet's layer-4 checksum holds, as REJECT looks at it (`nf_ip_checksum`, `nf_reject_verify_csum`).

use netverdict_net::{Family, Packet, Protocol, checksum};

/// Whether the protocol has a checksum over the whole payload that can be judged, and a UDP sender filled it in.
pub(super) fn is_verifiable(packet: &Packet<'_>, protocol: Protocol, at: usize) -> bool {
    match protocol {
        Protocol::AH | Protocol::ESP | Protocol::SCTP | Protocol::UDPLITE | Protocol::GRE => false,
        Protocol::UDP => !matches!(packet.u16(at + 6), Ok(0)),
        _ => true,
    }
}

/// Whether the payload from `at` on sums up; what the capture cut off is taken for right.
pub(crate) fn holds(packet: &Packet<'_>, protocol: Protocol, at: usize) -> bool {
    let Some(len) = packet.len().checked_sub(at) else {
        return false;
    };
    let Ok(payload) = packet.read(at, len) else {
        return true;
    };
    let pseudo = match packet.family() {
        // IPv4: ICMP and whatever else is not TCP or UDP has no pseudo-header. The IP header is summed too, and comes to
        // nothing but for an empty payload, which so is right.
        Family::V4 => matches!(protocol, Protocol::TCP | Protocol::UDP),
        Family::V6 => true,
    };
    if !pseudo && payload.iter().all(|byte| *byte == 0) {
        return true;
    }
    let start = if pseudo {
        checksum::pseudo_header(packet.source(), packet.destination(), protocol, len as u32)
    } else {
        0
    };
    checksum::finish(checksum::sum(payload, start)) == 0
}
