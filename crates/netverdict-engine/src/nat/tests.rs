//! Mappings, and packets rewritten both ways.

use std::net::{IpAddr, Ipv4Addr};

use netverdict_net::checksum::{finish, pseudo_header, sum};
use netverdict_net::{AddrRange, Packet, Protocol};
use netverdict_ruleset::NatSide;

use super::address;
use crate::CtState::{Established, New, Related};
use crate::Reason;
use crate::conntrack::lab::{ACK, CLIENT, Lab, RST, SERVER, SYN, icmp, range, tcp, udp};
use crate::conntrack::{Tuple, addr};

const HERE: ([u8; 4], u16) = (CLIENT, 1000);
const PUBLIC: [u8; 4] = [192, 0, 2, 1];

/// Addresses and ports of a packet, after its checksums were found right.
fn ends(packet: &Packet<'_>) -> ([u8; 4], u16, [u8; 4], u16) {
    let bytes = packet.captured();
    assert_eq!(finish(sum(&bytes[..20], 0)), 0, "header checksum");
    let (source, destination) = (packet.source(), packet.destination());
    let protocol = Protocol(bytes[9]);
    let len = bytes.len() as u32 - 20;
    let start = if protocol == Protocol::ICMP {
        0
    } else {
        pseudo_header(source, destination, protocol, len)
    };
    assert_eq!(finish(sum(&bytes[20..], start)), 0, "layer-4 checksum");
    let port = |at| packet.u16(at).unwrap();
    let octets = |address| match address {
        IpAddr::V4(v4) => Ipv4Addr::octets(&v4),
        IpAddr::V6(_) => panic!("IPv4"),
    };
    (octets(source), port(20), octets(destination), port(22))
}

/// Every flow gets a mapping from its first packet, and answers are translated back.
#[test]
fn source_translation_and_back() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, None);
    let out = lab.pass(udp(HERE, (SERVER, 53)));
    assert_eq!(out.asked, [true, true]);
    assert_eq!(ends(&out.out.unwrap()), (PUBLIC, 1000, SERVER, 53));
    let back = lab.pass(udp((SERVER, 53), (PUBLIC, 1000)));
    assert_eq!((back.state, back.asked), (Established, [false, false]));
    assert_eq!(ends(&back.out.unwrap()), (SERVER, 53, CLIENT, 1000));
    // A SYN again keeps its mapping, though the rules would now choose another.
    lab.snat = range([192, 0, 2, 9], [192, 0, 2, 9], None);
    let again = lab.pass(udp(HERE, (SERVER, 53)));
    assert_eq!(ends(&again.out.unwrap()), (PUBLIC, 1000, SERVER, 53));
}

#[test]
fn destination_translation_and_back() {
    let mut lab = Lab::new();
    lab.dnat = range(SERVER, SERVER, Some((8080, 8090)));
    let out = lab.pass(tcp(SYN, 1, 0).between(HERE, (PUBLIC, 80)));
    assert_eq!(
        ends(&out.out.unwrap()),
        (CLIENT, 1000, SERVER, 8080),
        "the first free port"
    );
    let back = lab.pass(tcp(SYN | ACK, 9, 2).between((SERVER, 8080), HERE));
    assert_eq!(ends(&back.out.unwrap()), (PUBLIC, 80, CLIENT, 1000));
}

/// A flow without a mapping gets none later: a SYN/ACK of an existing flow is no reason to ask the rules.
#[test]
fn no_rule_is_a_mapping_too() {
    let mut lab = Lab::new();
    lab.pass(tcp(SYN, 1, 0).out());
    lab.snat = range(PUBLIC, PUBLIC, None);
    let answer = lab.pass(tcp(SYN | ACK, 5, 2).back());
    assert_eq!(answer.asked, [false, false]);
    assert_eq!(ends(&answer.out.unwrap()), (SERVER, 80, CLIENT, 1000));
    let again = lab.pass(tcp(SYN, 1, 0).out());
    assert_eq!(again.asked, [false, false]);
}

/// INVALID packets are not translated: a RST leaks the inner address.
#[test]
fn invalid_packets_pass_untranslated() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, None);
    let passed = lab.pass(tcp(RST, 1, 0).out());
    assert_eq!(passed.asked, [false, false]);
    assert_eq!(ends(&passed.out.unwrap()).0, CLIENT);
}

/// Two inner hosts with equal ports: the second one gets another port of the same class.
#[test]
fn a_taken_port_is_replaced() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, None);
    lab.pass(udp(HERE, (SERVER, 53)));
    let second = lab.pass(udp(([10, 0, 0, 3], 1000), (SERVER, 53)));
    let (source, port, ..) = ends(&second.out.unwrap());
    assert_eq!(source, PUBLIC);
    assert!((600..1024).contains(&port) && port != 1000, "{port}");
}

/// Where every port of the range is taken the packet is dropped when its connection is to be confirmed.
#[test]
fn an_exhausted_range_drops() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, Some((4000, 4001)));
    for host in 1..=2 {
        assert!(
            lab.pass(tcp(SYN, 1, 0).between(([10, 0, 0, host], 1), (SERVER, 80)))
                .out
                .is_ok()
        );
    }
    let third = lab.pass(tcp(SYN, 1, 0).between(([10, 0, 0, 3], 1), (SERVER, 80)));
    assert_eq!(third.out.unwrap_err(), Reason::ConfirmClash);
    assert_eq!(lab.first().0, 2);
}

/// One sender keeps its mapping towards all destinations.
#[test]
fn a_sender_keeps_its_port() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, None);
    lab.pass(udp(HERE, (SERVER, 53)));
    let other = ([10, 0, 0, 3], 1000);
    let (_, port, ..) = ends(&lab.pass(udp(other, (SERVER, 53))).out.unwrap());
    let (_, again, ..) = ends(&lab.pass(udp(other, (SERVER, 54))).out.unwrap());
    assert_eq!(port, again);
}

/// The packet an ICMP error quotes is the one the receiver sent.
#[test]
fn icmp_errors_are_translated_inside_and_out() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, None);
    let sent = lab.pass(udp(HERE, (SERVER, 53))).out.unwrap();
    let error = lab.pass(icmp([10, 9, 9, 9], PUBLIC, 3, 1, 0, sent.captured()));
    assert_eq!((error.state, error.asked), (Related, [false, false]));
    let error = error.out.unwrap();
    let (_, _, destination, _) = ends(&error);
    assert_eq!(destination, CLIENT);
    let quoted = &error.captured()[28..];
    assert_eq!(
        (&quoted[12..16], &quoted[20..22]),
        (&CLIENT[..], &1000_u16.to_be_bytes()[..])
    );
    assert_eq!(finish(sum(&quoted[..20], 0)), 0);
}

#[test]
fn an_echo_keeps_its_identifier_and_comes_back() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, None);
    let sent = lab.pass(icmp(CLIENT, SERVER, 8, 0, 7 << 16, b"ping"));
    assert_eq!(sent.state, New);
    assert_eq!(ends(&sent.out.unwrap()).0, PUBLIC);
    let back = lab.pass(icmp(SERVER, PUBLIC, 0, 0, 7 << 16, b"ping"));
    assert_eq!(ends(&back.out.unwrap()).2, CLIENT);
}

#[test]
fn udp_without_a_checksum_stays_without() {
    let mut lab = Lab::new();
    lab.snat = range(PUBLIC, PUBLIC, None);
    let mut bytes = udp(HERE, (SERVER, 53));
    bytes[26..28].copy_from_slice(&[0, 0]);
    let out = lab.pass(bytes).out.unwrap();
    assert_eq!(out.u16(26), Ok(0));
    assert_eq!(out.source(), IpAddr::from(PUBLIC));
}

/// What the kernel (6.18, little endian) chose of 10.1.0.50-10.1.0.60.
#[test]
fn a_range_is_hashed_by_client_and_destination() {
    let range = AddrRange {
        start: IpAddr::from([10, 1, 0, 50]),
        end: IpAddr::from([10, 1, 0, 60]),
    };
    let choose = |client: u8, server: u8, persistent| {
        let mut tuple = Tuple {
            source: addr(IpAddr::from([10, 0, 0, client])),
            destination: addr(IpAddr::from([10, 1, 0, server])),
            source_port: 1,
            destination_port: 2,
            protocol: Protocol::TCP,
            family: netverdict_net::Family::V4,
        };
        address::choose(&mut tuple, range, NatSide::Source, persistent, 0);
        tuple.source as u8
    };
    let chosen = [(2, 2), (2, 3), (3, 2), (3, 3)].map(|(c, s)| choose(c, s, false));
    assert_eq!(chosen, [51, 51, 50, 55]);
    let persistent = [(2, 2), (2, 3), (3, 2)].map(|(c, s)| choose(c, s, true));
    assert_eq!(persistent, [60, 60, 59]);
}
