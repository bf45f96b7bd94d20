//! ICMPv6: questions and answers (nf_conntrack_proto_icmpv6.c); errors are in [`super::error`].

use netverdict_net::Family;

use super::Entry;
use super::layer4::Fault;
use super::track::{Cx, Handled};

/// The type that answers a type, and is answered by it.
pub(super) const fn inverse(icmp_type: u8) -> Option<u8> {
    Some(match icmp_type {
        128 => 129,
        129 => 128,
        139 => 140,
        140 => 139,
        _ => return None,
    })
}

/// Whether messages of this type are never tracked: multicast listener and neighbour discovery.
pub(super) const fn is_untracked(icmp_type: u8) -> bool {
    matches!(icmp_type, 130..=136 | 143 | 151 | 152)
}

pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    if cx.packet.family() != Family::V6 {
        return Fault::Invalid("ICMPv6 in an IPv4 packet").into();
    }
    if !entry.is_confirmed() && !matches!(entry.original().icmp_type(), 128 | 139) {
        return Fault::Invalid("ICMPv6 answer without its question").into();
    }
    cx.refresh(entry, cx.settings.icmpv6);
    Handled::Accept(None)
}
