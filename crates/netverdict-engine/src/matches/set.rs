//! `-m set` (net/netfilter/xt_set.c); the sets are in [`crate::state`].

use netverdict_ruleset::matches::Set;

use super::{link, tri};
use crate::context::{Eval, MatchCx};
use crate::state::{Query, RuleState, Slot};

pub(crate) fn evaluate(m: &Set, cx: &mut MatchCx<'_, '_>) -> Eval {
    let rules = &mut cx.state.rules;
    let Some(place) = rules.slots.shared(cx.slot) else {
        return tri::unknown("the set is not given");
    };
    let query = Query {
        sides: &m.reference.sides,
        return_nomatch: m.return_nomatch,
        update_counters: m.update_counters,
        update_subcounters: m.update_subcounters,
        packets: m.packets,
        bytes: m.bytes,
        len: cx.skb.packet.len() as u64,
        ethernet: link::is_ethernet(cx.host, cx.skb),
    };
    let hit = rules.sets.test(place, &query, cx.skb, cx.now.jiffies);
    tri::eval(hit.map(|hit| hit != m.inverted))
}

/// The place of the rule's set.
pub(super) fn slot(m: &Set, rules: &mut RuleState) -> Slot {
    Slot::Shared(rules.sets.place(&m.reference.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp, udp};
    use netverdict_net::{InterfaceName, MacAddr, Protocol};
    use netverdict_ruleset::matches::{SetCounterTest, SetReference, SetSide};
    use netverdict_ruleset::sets::{
        SetCollection, SetDefinition, SetElement, SetEntry, SetKind, SetNet, SetOptions, SetPort,
        SetRange,
    };
    use std::net::IpAddr;

    const SRC: SetSide = SetSide::Source;
    const DST: SetSide = SetSide::Destination;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn net(text: &str) -> SetNet {
        let (addr, len) = text.split_once('/').unwrap_or((text, "32"));
        SetNet {
            addr: ip(addr),
            len: len.parse().unwrap(),
        }
    }

    fn port(protocol: Protocol, port: u16) -> SetPort {
        SetPort { protocol, port }
    }

    fn definition(name: &str, kind: SetKind, elements: Vec<SetElement>) -> SetDefinition {
        SetDefinition {
            name: name.to_owned(),
            kind,
            options: SetOptions::new(kind),
            entries: elements.into_iter().map(SetEntry::bare).collect(),
            line: 1,
        }
    }

    fn asks(sides: &[SetSide]) -> Set {
        Set {
            inverted: false,
            reference: SetReference {
                name: "s".to_owned(),
                sides: sides.to_vec(),
            },
            return_nomatch: false,
            update_counters: true,
            update_subcounters: true,
            packets: None,
            bytes: None,
        }
    }

    fn give(scene: &mut Scene, m: &Set, sets: Vec<SetDefinition>) {
        let slot = slot(m, &mut scene.state.rules);
        scene.slot = scene.state.rules.slots.add(slot);
        let sets = SetCollection { sets };
        scene.state.rules.sets.give(&sets, 250);
    }

    /// From 192.0.2.1:40000 to 198.51.100.2:22, TCP, by eth0 and eth1.
    fn check(m: &Set, sets: Vec<SetDefinition>) -> Eval {
        let mut scene = Scene::new(tcp(40000, 22, 2, &[]));
        give(&mut scene, m, sets);
        scene.with(|cx| evaluate(m, cx))
    }

    fn hit(kind: SetKind, sides: &[SetSide], element: SetElement) -> bool {
        check(&asks(sides), vec![definition("s", kind, vec![element])]) == Eval::True
    }

    #[test]
    fn a_set_that_is_not_given_is_unknown() {
        assert!(matches!(check(&asks(&[SRC]), Vec::new()), Eval::Unknown(_)));
    }

    #[test]
    fn each_dimension_takes_its_side() {
        use SetElement as E;
        use SetKind as K;
        let tcp22 = || port(Protocol::TCP, 22);
        let (src, dst) = (ip("192.0.2.1"), ip("198.51.100.2"));
        for (kind, sides, element, want) in [
            (K::HashIp, vec![SRC], E::Ip(src), true),
            (K::HashIp, vec![DST], E::Ip(src), false),
            (K::HashIpPort, vec![SRC, DST], E::IpPort(src, tcp22()), true),
            (
                K::HashIpPort,
                vec![SRC, SRC],
                E::IpPort(src, tcp22()),
                false,
            ),
            (
                K::HashIpPort,
                vec![SRC, DST],
                E::IpPort(src, port(Protocol::UDP, 22)),
                false,
            ),
            (K::HashIpPort, vec![SRC], E::IpPort(src, tcp22()), false),
            (
                K::HashIpPortIp,
                vec![SRC, DST, DST],
                E::IpPortIp(src, tcp22(), dst),
                true,
            ),
            (
                K::HashIpPortNet,
                vec![SRC, DST, DST],
                E::IpPortNet(src, tcp22(), net("198.51.0.0/16")),
                true,
            ),
            (K::HashNet, vec![SRC], E::Net(net("192.0.0.0/8")), true),
            (K::HashNet, vec![DST], E::Net(net("192.0.0.0/8")), false),
            (
                K::HashNetNet,
                vec![SRC, DST],
                E::NetNet(net("192.0.2.0/24"), net("198.51.100.2")),
                true,
            ),
            (
                K::HashNetNet,
                vec![DST, SRC],
                E::NetNet(net("192.0.2.0/24"), net("198.51.100.2")),
                false,
            ),
            (
                K::HashNetPort,
                vec![DST, DST],
                E::NetPort(net("198.51.100.0/24"), tcp22()),
                true,
            ),
            (
                K::HashNetPortNet,
                vec![SRC, DST, DST],
                E::NetPortNet(net("192.0.2.1"), tcp22(), net("198.0.0.0/8")),
                true,
            ),
            (K::HashIpMark, vec![SRC, SRC], E::IpMark(src, 0), true),
            (K::HashIpMark, vec![SRC, SRC], E::IpMark(src, 1), false),
        ] {
            assert_eq!(
                hit(kind, &sides, element.clone()),
                want,
                "{kind:?} {element:?}"
            );
        }
    }

    #[test]
    fn the_longest_prefix_decides_and_return_nomatch_turns_it_round() {
        let sets = || {
            let mut set = definition(
                "s",
                SetKind::HashNet,
                vec![
                    SetElement::Net(net("192.0.0.0/8")),
                    SetElement::Net(net("192.0.2.0/24")),
                ],
            );
            set.entries[1].nomatch = true;
            vec![set]
        };
        assert_eq!(check(&asks(&[SRC]), sets()), Eval::False);
        let turned = Set {
            return_nomatch: true,
            ..asks(&[SRC])
        };
        assert_eq!(check(&turned, sets()), Eval::True);
        let mut without = sets();
        without[0].entries.pop();
        assert_eq!(check(&turned, without), Eval::False);
        let inverted = Set {
            inverted: true,
            ..asks(&[SRC])
        };
        assert_eq!(check(&inverted, sets()), Eval::True);
    }

    #[test]
    fn lists_ask_their_members_in_order() {
        let member = |name: &str| SetElement::Set(name.to_owned());
        let sets = vec![
            definition("pairs", SetKind::HashNetNet, Vec::new()),
            definition(
                "hosts",
                SetKind::HashIp,
                vec![SetElement::Ip(ip("192.0.2.1"))],
            ),
            definition(
                "s",
                SetKind::ListSet,
                vec![member("pairs"), member("hosts")],
            ),
        ];
        assert_eq!(check(&asks(&[SRC]), sets.clone()), Eval::True);
        assert_eq!(check(&asks(&[DST]), sets), Eval::False);
    }

    #[test]
    fn counters_are_compared_after_this_packet() {
        let mut set = definition("s", SetKind::HashIp, vec![SetElement::Ip(ip("192.0.2.1"))]);
        set.options.counters = true;
        let m = Set {
            packets: Some(SetCounterTest::Greater(1)),
            ..asks(&[SRC])
        };
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        give(&mut scene, &m, vec![set]);
        let answers = [0; 3].map(|_| scene.with(|cx| evaluate(&m, cx)));
        assert_eq!(answers, [Eval::False, Eval::True, Eval::True]);
        let still = Set {
            update_counters: false,
            packets: Some(SetCounterTest::Equal(3)),
            ..m
        };
        let answers = [0; 2].map(|_| scene.with(|cx| evaluate(&still, cx)));
        assert_eq!(answers, [Eval::True, Eval::True]);
    }

    #[test]
    fn entries_expire_in_packet_time() {
        let mut set = definition("s", SetKind::HashIp, vec![SetElement::Ip(ip("192.0.2.1"))]);
        set.options.timeout = Some(5);
        let m = asks(&[SRC]);
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        give(&mut scene, &m, vec![set]);
        for (at, want) in [(5_000, Eval::True), (5_004, Eval::False)] {
            scene.at(at);
            assert_eq!(scene.with(|cx| evaluate(&m, cx)), want);
        }
    }

    #[test]
    fn devices_of_the_longest_network_hide_shorter_ones() {
        let entry = |text, name: &str, wildcard| SetElement::NetIface {
            net: net(text),
            name: InterfaceName::new(name).unwrap(),
            physdev: false,
            wildcard,
        };
        let set = |elements| vec![definition("s", SetKind::HashNetIface, elements)];
        let m = asks(&[SRC, SRC]);
        let all = |name, wildcard| entry("192.0.0.0/8", name, wildcard);
        assert_eq!(check(&m, set(vec![all("eth0", false)])), Eval::True);
        assert_eq!(check(&m, set(vec![all("eth", false)])), Eval::False);
        assert_eq!(check(&m, set(vec![all("eth", true)])), Eval::True);
        let hidden = set(vec![
            all("eth0", false),
            entry("192.0.2.0/24", "wlan0", false),
        ]);
        assert_eq!(check(&m, hidden), Eval::False);
    }

    #[test]
    fn bitmaps_cover_a_range() {
        let mut ports = definition("s", SetKind::BitmapPort, vec![SetElement::Port(22)]);
        ports.options.range = Some(SetRange::Ports(0, 1024));
        assert_eq!(check(&asks(&[DST]), vec![ports.clone()]), Eval::True);
        let mut scene = Scene::new(udp(40000, 22));
        scene.skb.packet.captured_mut()[9] = 132;
        give(&mut scene, &asks(&[DST]), vec![ports]);
        assert_eq!(
            scene.with(|cx| evaluate(&asks(&[DST]), cx)),
            Eval::False,
            "SCTP"
        );

        let mut ips = definition(
            "s",
            SetKind::BitmapIp,
            vec![SetElement::Ip(ip("192.0.0.0"))],
        );
        ips.options.range = Some(SetRange::Addresses(ip("192.0.0.0"), ip("192.0.255.255")));
        ips.options.netmask = Some(16);
        assert_eq!(check(&asks(&[SRC]), vec![ips.clone()]), Eval::True);
        assert_eq!(check(&asks(&[DST]), vec![ips]), Eval::False);
    }

    #[test]
    fn an_address_without_mac_takes_the_first_packets() {
        let element = SetElement::IpMac(ip("192.0.2.1"), None);
        let mut set = definition("s", SetKind::BitmapIpMac, vec![element]);
        set.options.range = Some(SetRange::Addresses(ip("192.0.2.0"), ip("192.0.2.255")));
        let m = asks(&[SRC, SRC]);
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        give(&mut scene, &m, vec![set]);
        for (mac, want) in [(1, Eval::True), (2, Eval::False), (1, Eval::True)] {
            scene.skb.packet.link.source = Some(MacAddr([2, 0, 0, 0, 0, mac]));
            assert_eq!(scene.with(|cx| evaluate(&m, cx)), want);
        }
    }

    #[test]
    fn later_fragments_have_no_ports() {
        let any = port(Protocol(47), 0);
        let set = |port| {
            let element = SetElement::NetPort(net("192.0.0.0/8"), port);
            vec![definition("s", SetKind::HashNetPort, vec![element])]
        };
        let m = asks(&[SRC, DST]);
        for (protocol, port, want) in [(6, port(Protocol::TCP, 22), false), (47, any, true)] {
            let mut scene = Scene::new(tcp(40000, 22, 2, &[]));
            scene.skb.packet.captured_mut()[7] = 9;
            scene.skb.packet.captured_mut()[9] = protocol;
            give(&mut scene, &m, set(port));
            assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(want, false));
        }
    }
}
