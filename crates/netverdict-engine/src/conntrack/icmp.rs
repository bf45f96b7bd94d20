//! ICMP: questions and answers (nf_conntrack_proto_icmp.c); errors are in [`super::error`].

use netverdict_net::Family;

use super::Entry;
use super::layer4::Fault;
use super::track::{Cx, Handled};

/// The type that answers a type, and is answered by it.
pub(super) const fn inverse(icmp_type: u8) -> Option<u8> {
    Some(match icmp_type {
        0 => 8,
        8 => 0,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    if cx.packet.family() != Family::V4 {
        return Fault::Invalid("ICMP in an IPv6 packet").into();
    }
    if !matches!(entry.original().icmp_type(), 8 | 13 | 15 | 17) {
        return Fault::Invalid("ICMP answer without its question").into();
    }
    cx.refresh(entry, cx.settings.icmp);
    Handled::Accept(None)
}
