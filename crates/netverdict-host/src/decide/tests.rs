//! Decisions that need no kernel to be checked against; tests/kernel.rs has the kernel's word on the rest.

use std::net::IpAddr;

use netverdict_net::{AddrMask, Device, Family, InterfaceName, Protocol};

use super::*;
use crate::{Address, Flow, Group, Host, HostFacts, Interface, Role, Route, Scope, Undecided};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn device(text: &str) -> Device {
    Device::Named(name(text))
}

fn interface(text: &str, addresses: &[(&str, u8)]) -> Interface {
    let mut interface = Interface::new(name(text));
    for (address, len) in addresses {
        interface.add(Address::new(ip(address), *len));
    }
    interface
}

/// eth0 and eth1 with known addresses; settings as given.
fn host(sysctls: &[&str]) -> Host {
    let mut facts = HostFacts {
        interfaces: vec![
            Interface::loopback(),
            interface(
                "eth0",
                &[
                    ("10.0.0.1", 24),
                    ("10.0.0.2", 24),
                    ("2001:db8::1", 64),
                    ("fe80::1", 64),
                ],
            ),
            interface("eth1", &[("192.168.1.1", 24), ("172.16.0.1", 12)]),
        ],
        addresses_known: true,
        ..HostFacts::default()
    };
    for sysctl in sysctls {
        facts.sysctls.set(sysctl).unwrap();
    }
    facts.routes_v4 = Some(crate::kernel_routes(Family::V4, &facts.interfaces, false));
    Host::new(facts)
}

fn input(host: &Host, from: &str, to: &str, on: &str) -> InputRoute {
    host.route_input(&Flow::input(ip(from), ip(to), device(on)))
}

#[test]
fn martians_are_dropped_where_addresses_are_known() {
    let host = host(&["net.ipv4.ip_forward=1"]);
    let drop = |why| InputRoute::Drop(why);
    assert_eq!(
        input(&host, "224.0.0.1", "10.0.0.1", "eth0"),
        drop(DropReason::MartianSource)
    );
    assert_eq!(
        input(&host, "127.0.0.1", "10.0.0.1", "eth0"),
        drop(DropReason::MartianSource)
    );
    assert_eq!(
        input(&host, "10.0.0.9", "127.0.0.1", "eth0"),
        drop(DropReason::MartianDestination)
    );
    assert_eq!(
        input(&host, "10.0.0.1", "10.0.0.2", "eth0"),
        drop(DropReason::LocalSource)
    );
    assert_eq!(
        input(&host, "0.0.0.0", "255.255.255.255", "eth0"),
        InputRoute::Local(LocalKind::Broadcast)
    );
}

/// Nothing is dropped for what an inferred host does not know.
#[test]
fn a_host_of_which_nothing_is_known_drops_nothing() {
    let host = Host::default();
    for from in ["127.0.0.1", "10.0.0.1", "8.8.8.8"] {
        assert_eq!(
            input(&host, from, "192.0.2.1", "eth0"),
            InputRoute::Forward(Way::UNKNOWN)
        );
    }
    let out = host.route_output(&Flow::output(ip("10.0.0.1"), ip("8.8.8.8")));
    assert!(matches!(
        out,
        OutputRoute::Out {
            way: Way::UNKNOWN,
            kind: RouteKind::Unicast,
            ..
        }
    ));
}

#[test]
fn the_reverse_path_filter_is_strict_or_loose() {
    let strict = host(&["net.ipv4.ip_forward=1", "net.ipv4.conf.eth1.rp_filter=1"]);
    assert_eq!(
        input(&strict, "10.0.0.9", "192.168.1.1", "eth1"),
        InputRoute::Drop(DropReason::ReversePath)
    );
    assert_eq!(
        input(&strict, "192.168.1.9", "192.168.1.1", "eth1"),
        InputRoute::Local(LocalKind::Unicast)
    );
    let loose = host(&["net.ipv4.ip_forward=1", "net.ipv4.conf.eth1.rp_filter=2"]);
    assert_eq!(
        input(&loose, "10.0.0.9", "192.168.1.1", "eth1"),
        InputRoute::Local(LocalKind::Unicast)
    );
    assert_eq!(
        input(&loose, "9.9.9.9", "192.168.1.1", "eth1"),
        InputRoute::Drop(DropReason::ReversePath)
    );
}

#[test]
fn groups_are_delivered_where_joined() {
    let plain = host(&[]);
    assert_eq!(
        input(&plain, "10.0.0.9", "224.0.0.1", "eth0"),
        InputRoute::Local(LocalKind::Multicast)
    );
    assert_eq!(
        input(&plain, "10.0.0.9", "224.0.0.251", "eth0"),
        InputRoute::Drop(DropReason::NotJoined)
    );
    let mut facts = plain.facts().clone();
    facts.groups = vec![Group {
        address: ip("224.0.0.251"),
        device: Some(name("eth0")),
    }];
    let joined = Host::new(facts);
    assert_eq!(
        input(&joined, "10.0.0.9", "224.0.0.251", "eth0"),
        InputRoute::Local(LocalKind::Multicast)
    );
    assert_eq!(
        input(&joined, "192.168.1.9", "224.0.0.251", "eth1"),
        InputRoute::Drop(DropReason::NotJoined)
    );
    // Solicited-node groups follow from the addresses.
    assert!(plain.is_joined(device("eth0"), ip("ff02::1:ff00:1")));
    assert!(!plain.is_joined(device("eth1"), ip("ff02::1:ff00:1")));
    assert!(
        plain.is_joined(device("eth1"), ip("ff02::1"))
            && !plain.is_joined(device("eth1"), ip("ff02::2"))
    );
}

#[test]
fn an_unspecified_source_reaches_local_groups_and_igmp_all_of_them() {
    let host = host(&[]);
    let flow = Flow::input(ip("0.0.0.0"), ip("224.0.0.1"), device("eth0"));
    assert_eq!(
        host.route_input(&flow),
        InputRoute::Local(LocalKind::Multicast)
    );
    let mut facts = host.facts().clone();
    facts.groups = vec![Group {
        address: ip("239.1.1.1"),
        device: None,
    }];
    let host = Host::new(facts);
    let flow = Flow {
        destination: ip("239.1.1.1"),
        ..flow
    };
    assert_eq!(
        host.route_input(&flow),
        InputRoute::Drop(DropReason::MartianSource)
    );
    let igmp = Flow {
        protocol: Some(Protocol::IGMP),
        ..flow
    };
    assert_eq!(
        host.route_input(&igmp),
        InputRoute::Local(LocalKind::Multicast)
    );
}

#[test]
fn masquerade_takes_the_primary_of_the_next_routers_subnet() {
    let host = host(&[]);
    let way = |text: &str, gateway: Option<&str>| Way {
        device: device(text),
        gateway: gateway.map(ip),
        gateway_known: true,
        ..Way::UNKNOWN
    };
    let source = |way: &Way| host.masquerade_source(way, ip("8.8.8.8"));
    assert_eq!(
        source(&way("eth1", Some("172.16.0.9"))),
        SourceChoice::Address(ip("172.16.0.1"))
    );
    assert_eq!(
        source(&way("eth1", Some("9.9.9.9"))),
        SourceChoice::Address(ip("192.168.1.1"))
    );
    assert_eq!(
        source(&way("eth0", None)),
        SourceChoice::Address(ip("10.0.0.1"))
    );
    assert_eq!(
        source(&way("ppp0", None)),
        SourceChoice::Address(ip("10.0.0.1"))
    );
    let uncertain = Way {
        gateway_known: false,
        ..way("eth1", None)
    };
    assert_eq!(source(&uncertain), SourceChoice::Unknown);
    assert_eq!(
        Host::default().masquerade_source(&way("eth0", None), ip("8.8.8.8")),
        SourceChoice::Unknown
    );
}

#[test]
fn redirect_takes_the_in_devices_first_address() {
    let host = host(&[]);
    let to = |on: &str, to: &str| host.redirect_destination(device(on), ip(to));
    assert_eq!(
        to("eth1", "8.8.8.8"),
        SourceChoice::Address(ip("192.168.1.1"))
    );
    assert_eq!(
        to("eth0", "2600::1"),
        SourceChoice::Address(ip("2001:db8::1"))
    );
    assert_eq!(to("eth0", "fe80::9"), SourceChoice::Address(ip("fe80::1")));
    assert_eq!(to("eth1", "2600::1"), SourceChoice::None);
}

#[test]
fn address_types_are_the_local_tables() {
    use AddressType::{Broadcast, Local, Multicast, Unicast};
    let host = host(&[]);
    let kind =
        |text: &str, limit: Option<&str>| host.address_type(text.parse().unwrap(), limit.map(name));
    for (text, expected) in [
        ("10.0.0.2", Local),
        ("127.1.2.3", Local),
        ("10.0.0.255", Broadcast),
        ("255.255.255.255", Broadcast),
        ("0.0.0.0", Broadcast),
        ("0.1.2.3", Unicast),
        ("224.0.0.5", Multicast),
        ("10.0.0.9", Unicast),
    ] {
        assert_eq!(kind(text, None), expected, "{text}");
    }
    assert_eq!(kind("10.0.0.2", Some("eth0")), Local);
    assert_eq!(kind("10.0.0.2", Some("eth1")), Unicast);
}

#[test]
fn the_rpfilter_match_asks_for_the_way_back() {
    let host = host(&[]);
    let check = |from: &str, on: &str, options| {
        host.reverse_path(&Flow::input(ip(from), ip("10.0.0.1"), device(on)), options)
    };
    let plain = ReversePath::default();
    let loose = ReversePath {
        loose: true,
        ..plain
    };
    let local = ReversePath {
        accept_local: true,
        ..plain
    };
    assert_eq!(check("10.0.0.9", "eth0", plain), Ok(true));
    assert_eq!(check("10.0.0.9", "eth1", plain), Ok(false));
    assert_eq!(check("10.0.0.9", "eth1", loose), Ok(true));
    assert_eq!(check("9.9.9.9", "eth1", loose), Ok(false));
    assert_eq!(check("10.0.0.1", "eth0", plain), Ok(false));
    assert_eq!(check("10.0.0.1", "eth0", local), Ok(true));
    assert_eq!(check("9.9.9.9", "lo", plain), Ok(true));
    let unknown = Host::default();
    let flow = Flow::input(ip("9.9.9.9"), ip("10.0.0.1"), device("eth0"));
    assert_eq!(unknown.reverse_path(&flow, plain), Err(None));
}

#[test]
fn a_vrfs_devices_are_undecided() {
    let mut master = interface("red", &[]);
    master.role = Role::Vrf { table: 10 };
    let mut slave = interface("eth0", &[("10.0.0.1", 24)]);
    slave.master = Some(name("red"));
    let host = Host::new(HostFacts {
        interfaces: vec![Interface::loopback(), master, slave],
        addresses_known: true,
        ..HostFacts::default()
    });
    assert_eq!(
        input(&host, "10.0.0.9", "10.0.0.1", "eth0"),
        InputRoute::Unknown(Undecided::Vrf)
    );
}

#[test]
fn a_rule_that_asks_what_is_unknown_leaves_the_route_undecided() {
    let mut facts = host(&[]).facts().clone();
    let mut rule = crate::PolicyRule::lookup(7, crate::TableId::MAIN);
    rule.unknown_selectors = vec!["tun_id".into()];
    let mut rules = crate::PolicyRule::defaults(Family::V4);
    rules.push(rule);
    facts.rules_v4 = Some(rules);
    let host = Host::new(facts);
    assert_eq!(
        input(&host, "10.0.0.9", "8.8.8.8", "eth0"),
        InputRoute::Unknown(Undecided::PolicyRule(7))
    );
    // The local table comes first and has an answer.
    let out = host.route_output(&Flow::output(ip("10.0.0.1"), ip("10.0.0.2")));
    assert!(matches!(
        out,
        OutputRoute::Out {
            kind: RouteKind::Local,
            ..
        }
    ));
}

#[test]
fn synthesised_routes_are_the_kernels() {
    let mut lo_and_peer = vec![
        Interface::loopback(),
        interface("ppp0", &[("10.9.0.1", 32)]),
    ];
    lo_and_peer[1].addresses[0].peer = Some(ip("10.9.0.2"));
    let routes = crate::kernel_routes(Family::V4, &lo_and_peer, false);
    let shown: Vec<_> = routes
        .iter()
        .map(|r: &Route| format!("{:?} {} {}", r.kind, r.destination, r.table))
        .collect();
    assert_eq!(
        shown,
        [
            "Local 127.0.0.1/32 local",
            "Local 127.0.0.0/8 local",
            "Broadcast 127.255.255.255/32 local",
            "Local 10.9.0.1/32 local",
            "Unicast 10.9.0.2/32 main",
        ]
    );
    assert_eq!(routes[4].scope, Scope::LINK);
    assert_eq!(routes[4].destination, AddrMask::host(ip("10.9.0.2")));
}
