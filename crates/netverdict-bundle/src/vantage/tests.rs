use netverdict_host::{Address, HostFacts, Interface, Role, Route};
use netverdict_net::{AddrMask, Family};

use super::*;

const OWN: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const PEER: MacAddr = MacAddr([2, 0, 0, 0, 0, 9]);

fn name(text: &str) -> InterfaceName {
    InterfaceName::new(text).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A router: eth0 10.0.0.1/24 (default route), eth1 192.168.1.1/24 with a VLAN device, eth2 a port of br0.
fn router() -> Host {
    let interface = |index, text: &str, address: Option<(&str, u8)>| {
        let mut interface = Interface::new(name(text));
        interface.index = index;
        if let Some((address, len)) = address {
            interface.add(Address::new(ip(address), len));
        }
        interface
    };
    let mut port = interface(5, "eth2", None);
    port.master = Some(name("br0"));
    Host::new(HostFacts {
        interfaces: vec![
            Interface::loopback(),
            interface(2, "eth0", Some(("10.0.0.1", 24))),
            interface(3, "eth1", Some(("192.168.1.1", 24))),
            interface(4, "eth1.7", Some(("192.168.7.1", 24))),
            port,
            interface(6, "br0", Some(("172.16.0.1", 16))),
        ],
        addresses_known: true,
        assumed_routes: vec![
            Route::new(AddrMask::any(Family::V4)).via(name("eth0"), Some(ip("10.0.0.254"))),
        ],
        ..HostFacts::default()
    })
}

fn frame(source: &str, destination: &str) -> FrameFacts {
    FrameFacts {
        interface: None,
        ifindex: None,
        direction_hint: None,
        link: Link::default(),
        vlan: None,
        source: ip(source),
        destination: ip(destination),
    }
}

fn ethernet(mut facts: FrameFacts, source: MacAddr, destination: MacAddr) -> FrameFacts {
    facts.link.kind = LinkKind::Ethernet;
    facts.link.source = Some(source);
    facts.link.destination = Some(destination);
    facts
}

fn own() -> Own {
    Own {
        macs: vec![OWN],
        macs_complete: true,
        ..Own::default()
    }
}

/// Step 1, each source of the name outranking the next.
#[test]
fn the_interface_is_the_captures_then_the_index_then_the_flags_then_the_only_one() {
    let host = router();
    let flag = Own {
        interface: Some(name("wan")),
        ..Own::default()
    };
    let mut facts = frame("8.8.8.8", "10.0.0.1");
    let on = |facts: &FrameFacts, host: &Host, own: &Own| {
        let placed = place(facts, host, own);
        (placed.interface.to_string(), placed.interface_basis)
    };
    assert_eq!(on(&facts, &host, &Own::default()), ("?".into(), None));
    assert_eq!(
        on(&facts, &host, &flag),
        ("wan".into(), Some(Basis::InterfaceFlag))
    );
    facts.ifindex = Some(3);
    assert_eq!(
        on(&facts, &host, &flag),
        ("eth1".into(), Some(Basis::InterfaceIndex))
    );
    facts.ifindex = Some(99);
    assert_eq!(
        on(&facts, &host, &flag),
        ("wan".into(), Some(Basis::InterfaceFlag))
    );
    facts.interface = Some(name("eth0"));
    assert_eq!(
        on(&facts, &host, &flag),
        ("eth0".into(), Some(Basis::CaptureName))
    );
    let single = Host::new(HostFacts {
        interfaces: vec![Interface::loopback(), Interface::new(name("ens3"))],
        ..HostFacts::default()
    });
    assert_eq!(
        on(&frame("8.8.8.8", "10.0.0.1"), &single, &Own::default()),
        ("ens3".into(), Some(Basis::OnlyInterface))
    );
}

/// Step 2, each sign outranking the next.
#[test]
fn the_direction_is_the_flags_then_the_captures_then_the_macs_then_the_sources() {
    let host = router();
    let went = |facts: &FrameFacts, own: &Own| {
        let placed = place(facts, &host, own);
        (placed.direction, placed.direction_basis)
    };
    let from_own = frame("10.0.0.1", "8.8.8.8");
    assert_eq!(
        went(&frame("8.8.8.8", "10.0.0.1"), &own()),
        (Direction::In, Basis::Default)
    );
    assert_eq!(
        went(&from_own, &own()),
        (Direction::Out, Basis::OwnAddressSource)
    );
    let to_us = ethernet(from_own, PEER, OWN);
    assert_eq!(
        went(&to_us, &own()),
        (Direction::In, Basis::OwnMacDestination)
    );
    let by_us = ethernet(frame("9.9.9.9", "8.8.8.8"), OWN, PEER);
    assert_eq!(went(&by_us, &own()), (Direction::Out, Basis::OwnMacSource));
    let hinted = FrameFacts {
        direction_hint: Some(Direction::In),
        ..by_us
    };
    assert_eq!(went(&hinted, &own()), (Direction::In, Basis::CaptureFlag));
    let told = Own {
        direction: DirectionMode::Out,
        ..own()
    };
    assert_eq!(went(&hinted, &told), (Direction::Out, Basis::DirectionFlag));
}

/// Steps 3 and 4.
#[test]
fn what_came_in_enters_at_prerouting_and_what_was_made_here_at_output() {
    let host = router();
    let entry = |facts: &FrameFacts| place(facts, &host, &own()).entry;
    assert_eq!(entry(&frame("8.8.8.8", "1.1.1.1")), Entry::Prerouting);
    assert_eq!(entry(&frame("192.168.1.1", "192.168.1.9")), Entry::Output);
    // A DHCP client has no address yet.
    let dhcp = FrameFacts {
        direction_hint: Some(Direction::Out),
        ..frame("0.0.0.0", "255.255.255.255")
    };
    assert_eq!(entry(&dhcp), Entry::Output);
}

/// Taps drop the outgoing half of a looped-back packet and mark the other as coming in.
#[test]
fn a_packet_on_lo_was_made_here_whatever_the_capture_marks() {
    let facts = FrameFacts {
        interface: Some(InterfaceName::loopback()),
        direction_hint: Some(Direction::In),
        ..ethernet(
            frame("127.0.0.1", "127.0.0.1"),
            MacAddr::default(),
            MacAddr::default(),
        )
    };
    let placed = place(&facts, &router(), &own());
    assert_eq!(
        (placed.entry, placed.direction_basis),
        (Entry::Output, Basis::Loopback)
    );
}

/// Step 6: the reverse route names where it came in; step 5 is for who sees all of the capture.
#[test]
fn a_foreign_packet_that_went_out_came_in_by_the_route_to_its_source() {
    let host = router();
    let arrival = |source: &str, out: &str| {
        let facts = FrameFacts {
            interface: Some(name(out)),
            direction_hint: Some(Direction::Out),
            ..frame(source, "8.8.8.8")
        };
        let placed = place(&facts, &host, &own());
        assert_eq!(placed.entry, Entry::Forwarded);
        placed.arrival.to_string()
    };
    assert_eq!(arrival("192.168.1.77", "eth0"), "eth1");
    assert_eq!(arrival("192.168.7.77", "eth0"), "eth1.7");
    assert_eq!(arrival("9.9.9.9", "eth1"), "eth0");
    // The assumed default route would lead back to where it went out: that is no knowledge.
    assert_eq!(arrival("9.9.9.9", "eth0"), "?");
}

#[test]
fn a_frame_for_another_host_reaches_no_hook() {
    let host = router();
    let other = ethernet(
        frame("10.0.0.9", "10.0.0.8"),
        PEER,
        MacAddr([2, 0, 0, 0, 0, 8]),
    );
    let placed = place(&other, &host, &own());
    assert_eq!(
        (placed.entry, placed.packet_type),
        (Entry::OtherHost, PacketType::OtherHost)
    );
    let uncertain = Own {
        macs_complete: false,
        ..own()
    };
    assert_eq!(place(&other, &host, &uncertain).entry, Entry::Prerouting);
    let mut broadcast = ethernet(other, PEER, MacAddr::BROADCAST);
    broadcast.link.packet_type = PacketType::Broadcast;
    assert_eq!(place(&broadcast, &host, &own()).entry, Entry::Prerouting);
}

#[test]
fn a_tagged_frame_is_the_vlan_devices_and_a_ports_is_the_bridges() {
    let host = router();
    let vlan = FrameFacts {
        interface: Some(name("eth1")),
        vlan: Some(7),
        ..frame("192.168.7.9", "192.168.7.1")
    };
    let port = FrameFacts {
        interface: Some(name("eth2")),
        ..frame("172.16.0.9", "172.16.0.1")
    };
    let unknown_vlan = FrameFacts {
        vlan: Some(8),
        ..vlan
    };
    let on = |facts: &FrameFacts, own: &Own| {
        let placed = place(facts, &host, own);
        (placed.interface.to_string(), placed.entry)
    };
    assert_eq!(on(&vlan, &own()), ("eth1.7".into(), Entry::Prerouting));
    assert_eq!(
        on(&unknown_vlan, &own()),
        ("eth1".into(), Entry::Prerouting)
    );
    assert_eq!(on(&port, &own()), ("br0".into(), Entry::Prerouting));
    // A capture of all interfaces has the frame once more on the upper device: there it counts.
    let all = Own {
        captured: vec![name("br0"), name("eth1"), name("eth1.7"), name("eth2")],
        ..own()
    };
    assert_eq!(on(&vlan, &all), ("eth1.7".into(), Entry::Below));
    assert_eq!(on(&port, &all), ("br0".into(), Entry::Below));
}

/// What a bridge passes on counts where it came in, if the bridge shows it to the rules.
#[test]
fn bridged_frames_count_on_their_ports() {
    let mut facts = router().facts().clone();
    for interface in &mut facts.interfaces {
        if interface.name == name("br0") {
            interface.role = Role::Bridge;
        }
    }
    let silent = Host::new(facts.clone());
    let key = "net.bridge.bridge-nf-call-iptables";
    facts.sysctls.set(&format!("{key}=1")).unwrap();
    let shown = Host::new(facts);
    let own = Own {
        captured: vec![name("br0"), name("eth2")],
        ..own()
    };
    let on = |device: &str, to: MacAddr, host: &Host| {
        let frame = FrameFacts {
            interface: Some(name(device)),
            ..frame("172.16.0.9", "172.16.0.8")
        };
        let placed = place(&ethernet(frame, PEER, to), host, &own);
        (placed.interface.to_string(), placed.port, placed.entry)
    };
    let (br0, eth2) = ("br0".to_owned(), Some(name("eth2")));
    let other = MacAddr([2, 0, 0, 0, 0, 0x77]);
    let below = (br0.clone(), eth2, Entry::Below);
    assert_eq!(
        on("eth2", other, &shown),
        (br0.clone(), eth2, Entry::OtherHost)
    );
    assert_eq!(on("br0", other, &shown), (br0, None, Entry::Below));
    assert_eq!(on("eth2", OWN, &shown), below);
    assert_eq!(on("eth2", other, &silent), below);
}
