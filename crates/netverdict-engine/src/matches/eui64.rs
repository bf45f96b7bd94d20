//! `-m eui64` (net/ipv6/netfilter/ip6t_eui64.c).

use std::net::IpAddr;

use netverdict_net::{InterfaceName, LinkKind, MacAddr};
use netverdict_ruleset::PortTests;
use netverdict_ruleset::matches::Eui64;

use super::link;
use super::tri::unknown;
use crate::context::{Eval, MatchCx};
use crate::outcome::UNSET_MEMORY;

pub(crate) fn evaluate(_: &Eui64, cx: &MatchCx<'_, '_>) -> Eval {
    let header = &cx.skb.packet.link;
    let IpAddr::V6(source) = cx.skb.packet.source() else {
        return Eval::False;
    };
    if cx.skb.local {
        return of_own(cx, source);
    }
    match header.source {
        Some(mac) => Eval::of(source.octets()[8..] == interface_id(mac), false),
        None if header.kind == LinkKind::Ethernet || !link::is_ethernet(cx.host, cx.skb) => {
            misread(cx, source)
        }
        None => unknown("source MAC address not captured"),
    }
}

/// Over loopback a packet has a link header of zeros; a copy of what was sent to many has none.
fn of_own(cx: &MatchCx<'_, '_>, source: std::net::Ipv6Addr) -> Eval {
    if cx.skb.in_device.name() == Some(&InterfaceName::loopback()) {
        let zeros = interface_id(MacAddr::default());
        return Eval::of(source.octets()[8..] == zeros, false);
    }
    misread(cx, source)
}

/// Without a link header the kernel takes the first 14 bytes of the packet for one (and drops, in a later fragment):
/// next header, hop limit and the source's first half-words for the sender's address, the next two bytes for the type.
fn misread(cx: &MatchCx<'_, '_>, source: std::net::Ipv6Addr) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::Hotdrop(false);
    }
    // Without `-p` ip6_tables has not read the fragment offset, and nf_tables has not either: the kernel asks what its stack
    // held.
    if cx.param.protocol.is_none() || cx.param.ports != PortTests::Xtables {
        return unknown(UNSET_MEMORY);
    }
    let Ok(&[next, hops, a, b, c, d, high, low]) = cx.skb.packet.array::<8>(6) else {
        return Eval::False;
    };
    let is_ipv6 = [high, low] == [0x86, 0xdd];
    let sender = MacAddr([next, hops, a, b, c, d]);
    Eval::of(
        is_ipv6 && source.octets()[8..] == interface_id(sender),
        false,
    )
}

/// The modified EUI-64 of RFC 4291, appendix A.
const fn interface_id(MacAddr([a, b, c, d, e, f]): MacAddr) -> [u8; 8] {
    [a ^ 2, b, c, 0xff, 0xfe, d, e, f]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;

    #[test]
    fn a_copy_of_what_was_sent_to_many_has_no_link_header() {
        let mut scene = Scene::v6(59, Vec::new());
        scene.skb.local = true;
        assert_eq!(scene.with(|cx| evaluate(&Eui64, cx)), Eval::False);
        let protocol = scene.param.protocol.take();
        let undecided = scene.with(|cx| evaluate(&Eui64, cx));
        assert!(matches!(undecided, Eval::Unknown(_)), "{undecided:?}");
        scene.param.protocol = protocol;
        scene.param.fragment_offset = 8;
        assert_eq!(scene.with(|cx| evaluate(&Eui64, cx)), Eval::Hotdrop(false));
    }

    #[test]
    fn the_lower_half_is_made_of_the_mac_address() {
        let mut scene = Scene::v6(59, Vec::new());
        scene.skb.packet.link.source = Some(MacAddr([0x52, 0x54, 0, 1, 2, 3]));
        scene.skb.packet.captured_mut()[16..24]
            .copy_from_slice(&[0x50, 0x54, 0, 0xff, 0xfe, 1, 2, 3]);
        assert_eq!(scene.with(|cx| evaluate(&Eui64, cx)), Eval::True);
        scene.skb.packet.captured_mut()[23] = 4;
        assert_eq!(scene.with(|cx| evaluate(&Eui64, cx)), Eval::False);
        scene.skb.packet.link.source = None;
        assert!(matches!(
            scene.with(|cx| evaluate(&Eui64, cx)),
            Eval::Unknown(_)
        ));
    }
}
