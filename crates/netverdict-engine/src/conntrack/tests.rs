//! The table, and protocols other than TCP.

use netverdict_net::{Jiffies, Protocol};
use netverdict_ruleset::Hook;
use proptest::prelude::*;

use super::lab::{ACK, CLIENT, FIN, Lab, RST, SERVER, SYN, icmp, ipv4, tcp, udp};
use super::{Confirm, ConnectionView};
use crate::CtState::{Established, Invalid, New, Related, Untracked};
use crate::state::Rewind;
use crate::{CtState, Skb};

const HERE: ([u8; 4], u16) = (CLIENT, 1000);
const THERE: ([u8; 4], u16) = (SERVER, 53);

#[test]
fn udp_becomes_a_stream_after_two_seconds() {
    let mut lab = Lab::new();
    assert_eq!(lab.state(udp(HERE, THERE)), New);
    assert_eq!(lab.state(udp(HERE, THERE)), New, "unanswered stays new");
    assert_eq!(lab.state(udp(THERE, HERE)), Established);
    assert_eq!(lab.first().2, 30);
    lab.wait(1000);
    assert_eq!(lab.state(udp(HERE, THERE)), Established);
    assert_eq!(lab.first().2, 30);
    lab.wait(1500);
    lab.pass(udp(HERE, THERE));
    assert_eq!(lab.first().2, 120);
}

#[test]
fn entries_live_to_the_tick() {
    let mut lab = Lab::new();
    lab.pass(udp(HERE, THERE));
    lab.wait(29_996);
    assert_eq!(lab.state(udp(THERE, HERE)), Established);
    lab.wait(30_000);
    assert_eq!(lab.state(udp(THERE, HERE)), New);
}

/// A packet that a rule drops leaves nothing behind.
#[test]
fn a_dropped_packet_opens_nothing() {
    let mut lab = Lab::new();
    lab.dropping = true;
    for _ in 0..2 {
        let passed = lab.pass(udp(HERE, THERE));
        assert_eq!((passed.state, passed.asked[0]), (New, true));
    }
    assert_eq!((lab.first().0, lab.conntrack.table.count()), (0, 0));
}

#[test]
fn icmp_echo_has_one_connection_an_identifier() {
    let mut lab = Lab::new();
    assert_eq!(
        lab.state(icmp(CLIENT, SERVER, 8, 0, 7 << 16 | 1, b"x")),
        New
    );
    assert_eq!(
        lab.state(icmp(SERVER, CLIENT, 0, 0, 7 << 16 | 9, b"x")),
        Established
    );
    assert_eq!(
        lab.state(icmp(SERVER, CLIENT, 0, 0, 8 << 16 | 9, b"x")),
        Invalid
    );
    assert_eq!(lab.state(icmp(CLIENT, SERVER, 9, 0, 0, b"")), Invalid);
    assert_eq!(lab.state(icmp(CLIENT, SERVER, 44, 0, 0, b"")), Invalid);
}

/// An ICMP error is RELATED if it quotes a known connection and goes to its end.
#[test]
fn icmp_errors_belong_to_what_they_quote() {
    let mut lab = Lab::new();
    let quoted = udp(HERE, THERE);
    let error = |to, quoted: &[u8]| icmp([10, 9, 9, 9], to, 3, 3, 0, quoted);
    assert_eq!(
        lab.pass(error(CLIENT, &quoted)).why,
        Some("ICMP error about no known connection")
    );
    lab.pass(quoted.clone());
    assert_eq!(lab.state(error(CLIENT, &quoted)), Related);
    assert_eq!(
        lab.state(error(CLIENT, &quoted[..28])),
        Related,
        "8 bytes will do"
    );
    assert_eq!(
        lab.state(error([10, 0, 0, 3], &quoted)),
        Invalid,
        "to another host"
    );
    assert_eq!(lab.first().2, 30);
    // With IP options in the quoted header.
    let mut options = quoted;
    options[0] = 0x46;
    options.splice(20..20, [1, 1, 1, 0]);
    assert_eq!(lab.state(error(CLIENT, &options)), Related);
}

#[test]
fn neighbour_discovery_is_untracked_not_new() {
    let mut lab = Lab::with("checksum", 0);
    let mut bytes = vec![0x60, 0, 0, 0, 0, 24, 58, 255];
    bytes.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend([136, 0, 0, 0]);
    bytes.resize(64, 0);
    assert_eq!(lab.state(bytes), Untracked);
    assert_eq!(lab.first().0, 0);
}

#[test]
fn other_protocols_are_tracked_by_address() {
    let mut lab = Lab::new();
    for protocol in [Protocol::ESP, Protocol::IGMP, Protocol::DCCP] {
        assert_eq!(lab.state(ipv4(CLIENT, SERVER, protocol, &[1; 12])), New);
        assert_eq!(
            lab.state(ipv4(SERVER, CLIENT, protocol, &[2; 12])),
            Established
        );
    }
}

#[test]
fn a_full_table_drops() {
    let mut lab = Lab::with("max", 1);
    lab.pass(udp(HERE, THERE));
    let mut skb = Skb::new(netverdict_net::Packet::owned(
        udp(HERE, (SERVER, 54)),
        netverdict_net::Family::V4,
        netverdict_net::Link::default(),
    ));
    let tracked = lab.conntrack.track(&mut skb, Hook::Prerouting, Jiffies(0));
    assert_eq!(tracked, super::Tracked::Drop(crate::Reason::ConntrackFull));
    lab.wait(31_000);
    assert_eq!(
        lab.state(udp(HERE, (SERVER, 54))),
        New,
        "what expired makes room"
    );
}

/// Each SYN of a flood finds room by ending the oldest connection that is not assured; assured ones stay.
#[test]
fn a_flood_takes_no_more_than_the_table_holds() {
    const MAX: u32 = 64;
    let mut lab = Lab::with("max", MAX.into());
    lab.conntrack.settings.buckets = MAX;
    for segment in [
        tcp(SYN, 100, 0).out(),
        tcp(SYN | ACK, 500, 101).back(),
        tcp(ACK, 101, 501).out(),
    ] {
        lab.pass(segment);
    }
    let attacker = |n: u32| {
        let [_, a, b, c] = n.to_be_bytes();
        tcp(SYN, n, 0).between(([172, a, b, c], 7), (SERVER, 80))
    };
    for n in 0..20_000 {
        assert_eq!(lab.state(attacker(n)), New);
        assert!(lab.conntrack.table.count() <= MAX);
    }
    assert!(lab.conntrack.was_full());
    assert!(lab.conntrack.table.queued() <= 1024 + 2 * MAX as usize + 1);
    assert_eq!(lab.state(tcp(ACK, 101, 501).out()), Established);
    // What the last ones opened is still there, so that they are not taken for new entries.
    let before = lab.conntrack.table.confirmed().len();
    assert_eq!(lab.state(attacker(19_999)), New);
    assert_eq!(lab.conntrack.table.confirmed().len(), before);
    assert_eq!(lab.state(attacker(0)), New);
    assert_eq!(lab.conntrack.table.confirmed().len(), before);
}

/// What an undecided packet ended for want of room is there again when its way is taken back.
#[test]
fn early_drop_can_be_taken_back() {
    let mut lab = Lab::with("max", 2);
    lab.conntrack.settings.buckets = 2;
    lab.pass(udp(HERE, THERE));
    lab.pass(udp(HERE, (SERVER, 54)));
    let before = table(&lab);
    lab.conntrack.checkpoint();
    lab.pass(udp(HERE, (SERVER, 55)));
    assert_ne!(table(&lab), before);
    lab.conntrack.rollback();
    assert_eq!(table(&lab), before);
    lab.pass(udp(HERE, (SERVER, 56)));
    let ports: Vec<u16> = table(&lab)
        .0
        .iter()
        .map(|c| c.original.destination_port)
        .collect();
    assert_eq!(ports, [54, 56]);
}

fn table(lab: &Lab) -> (Vec<ConnectionView>, u32) {
    (
        lab.conntrack.list(lab.now().jiffies),
        lab.conntrack.table.count(),
    )
}

/// A packet out of a small world, so that connections meet.
fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    let port = 1000..1003_u16;
    let segment = (
        0..6_usize,
        95..105_u32,
        495..505_u32,
        any::<bool>(),
        port.clone(),
    )
        .prop_map(|(kind, seq, ack, back, port)| {
            let flags = [SYN, SYN | ACK, ACK, FIN | ACK, RST, RST | ACK][kind];
            let (client, server) = ((CLIENT, port), (SERVER, 80));
            if back {
                tcp(flags, ack, seq).between(server, client)
            } else {
                tcp(flags, seq, ack).between(client, server)
            }
        });
    let datagram = (any::<bool>(), port).prop_map(|(back, port)| {
        let client = (CLIENT, port);
        if back {
            udp(THERE, client)
        } else {
            udp(client, THERE)
        }
    });
    prop_oneof![segment, datagram]
}

proptest! {
    /// What was rolled back never was.
    #[test]
    fn rollback_restores_the_table(
        before in prop::collection::vec(any_packet(), 0..20),
        taken_back in prop::collection::vec(any_packet(), 0..20),
        after in prop::collection::vec(any_packet(), 0..20),
    ) {
        let (mut lab, mut straight) = (Lab::new(), Lab::new());
        for packet in before {
            lab.pass(packet.clone());
            straight.pass(packet);
        }
        lab.conntrack.checkpoint();
        for packet in taken_back {
            lab.pass(packet);
        }
        lab.conntrack.rollback();
        prop_assert_eq!(table(&lab), table(&straight));
        for packet in after {
            let (a, b) = (lab.pass(packet.clone()), straight.pass(packet));
            prop_assert_eq!((a.state, a.why, a.asked), (b.state, b.why, b.asked));
        }
        prop_assert_eq!(table(&lab), table(&straight));
    }

    /// A commit keeps what was done.
    #[test]
    fn commit_keeps_the_table(packets in prop::collection::vec(any_packet(), 0..20)) {
        let (mut lab, mut straight) = (Lab::new(), Lab::new());
        for packet in packets {
            lab.conntrack.checkpoint();
            lab.pass(packet.clone());
            lab.conntrack.commit();
            straight.pass(packet);
        }
        prop_assert_eq!(table(&lab), table(&straight));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), protocol: u8) {
        let mut lab = Lab::with("checksum", 0);
        let passed = lab.pass(ipv4(CLIENT, SERVER, Protocol(protocol), &bytes));
        prop_assert!(passed.state != CtState::Established);
        let quoted = ipv4(SERVER, CLIENT, Protocol(protocol), &bytes);
        lab.pass(icmp(CLIENT, SERVER, 3, 0, 0, &quoted));
        lab.pass(icmp(CLIENT, SERVER, 3, 0, 0, &bytes));
    }

    #[test]
    fn no_ipv6_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), next: u8) {
        let mut packet = vec![0x60, 0, 0, 0, 0, bytes.len() as u8, next, 64];
        packet.resize(40, 3);
        packet.extend(&bytes);
        Lab::with("checksum", 0).pass(packet);
    }
}

/// A new connection without NAT whose tuples another has taken meanwhile.
#[test]
fn a_clash_is_resolved_for_udp_and_dropped_for_tcp() {
    for (packet, resolved) in [(udp(HERE, THERE), true), (tcp(SYN, 1, 0).out(), false)] {
        let mut lab = Lab::new();
        let skb = || {
            Skb::new(netverdict_net::Packet::owned(
                packet.clone(),
                netverdict_net::Family::V4,
                netverdict_net::Link::default(),
            ))
        };
        let (mut first, mut second) = (skb(), skb());
        lab.conntrack
            .track(&mut first, Hook::Prerouting, Jiffies(0));
        lab.conntrack
            .track(&mut second, Hook::Prerouting, Jiffies(0));
        assert_ne!(first.connection, second.connection);
        assert_eq!(lab.confirm(&mut first), Confirm::Confirmed);
        let confirmed = lab.confirm(&mut second);
        if resolved {
            assert_eq!(confirmed, Confirm::Adopted);
            assert_eq!(first.connection, second.connection);
        } else {
            assert_eq!(confirmed, Confirm::Drop(crate::Reason::ConfirmClash));
        }
    }
}
