//! Whole ways through the host.

use netverdict_host::Host;
use netverdict_net::{AddrRange, Device, Family, Protocol};
use netverdict_ruleset::TableKind::{Filter, Mangle, Nat, Raw};
use netverdict_ruleset::matches::{Conntrack, CtStates};
use netverdict_ruleset::targets::{
    Dnat, IcmpReject, Mark, Masquerade, NatPorts, NatRange, Reject, RejectWith, Tproxy,
};
use netverdict_ruleset::{Hook, Invertible, Match, Policy, Rule, Target};

use crate::testing::{
    Bench, Rules, device, ipv4, ipv6, net, router_facts, seal_v4, tcp_packet, udp_packet,
};
use crate::{About, Config, CtState, Fact, Facts, Fate, OwnerFact, Reason, Sum, Verdict};

const SYN: u8 = 2;
const ACK: u8 = 16;

fn masquerading() -> Rules {
    Rules::v4().rule(
        Nat,
        "POSTROUTING",
        Rule {
            out_interface: crate::testing::interface("eth0"),
            target: Some(Target::Masquerade(Masquerade::default())),
            ..Rule::default()
        },
    )
}

fn in_state(states: CtStates, target: Target) -> Rule {
    let test = Conntrack {
        states: Some(Invertible::plain(states)),
        ..Conntrack::default()
    };
    Rule {
        matches: vec![Match::Conntrack(Box::new(test))],
        target: Some(target),
        ..Rule::default()
    }
}

/// Trap T7: the first packet asks the chain, its answer is translated back, later ones do not ask.
#[test]
fn masquerade_there_and_back() {
    let mut bench = Bench::new(masquerading());
    let syn = tcp_packet("10.0.0.9", "198.51.100.7", (4000, 80), SYN);
    let out = bench.receive(device("eth1"), &syn);
    assert_eq!(
        (out.verdict, out.fate, out.state),
        (Verdict::Accept, Fate::Forwarded, Some(CtState::New))
    );
    let nat = out.nat.unwrap();
    assert_eq!(nat.after.source.to_string(), "203.0.113.1");
    assert_eq!(nat.after.source_port, 4000);
    let back = bench.receive(
        device("eth0"),
        &tcp_packet("198.51.100.7", "203.0.113.1", (80, 4000), SYN | ACK),
    );
    assert_eq!(
        (back.fate, back.state),
        (Fate::Forwarded, Some(CtState::Established))
    );
    assert_eq!(back.nat.unwrap().after.destination.to_string(), "10.0.0.9");
    assert_eq!(back.flow, out.flow);
    assert_eq!(back.out_device, device("eth1"));
    assert_eq!(bench.packets(Nat, "POSTROUTING"), [1, 0]);
    let egress = back.egress.unwrap();
    assert_eq!(egress.destination().to_string(), "10.0.0.9");
    assert_eq!(egress.ttl(), 63);
}

/// A first packet that is dropped leaves no connection: the next one is NEW again and asks nat again.
#[test]
fn a_dropped_first_packet_leaves_no_connection() {
    let rules = masquerading()
        .policy(Filter, Hook::Forward, Policy::Drop)
        .rule(Nat, "PREROUTING", Rule::default());
    let mut bench = Bench::new(rules);
    let syn = tcp_packet("10.0.0.9", "198.51.100.7", (4000, 80), SYN);
    for _ in 0..2 {
        let outcome = bench.receive(device("eth1"), &syn);
        assert_eq!(outcome.state, Some(CtState::New));
        assert_eq!(
            outcome.decided_by.rule,
            Some(bench.rule(Filter, "FORWARD", 0))
        );
    }
    assert_eq!(bench.packets(Nat, "PREROUTING"), [2, 2]);
    assert_eq!(bench.packets(Nat, "POSTROUTING"), [0, 0]);
}

/// Trap T26: a translated destination leads to FORWARD, whose rules see the new port.
#[test]
fn dnat_leads_to_forward() {
    let to = NatRange {
        addresses: Some(AddrRange {
            start: "10.0.0.80".parse().unwrap(),
            end: "10.0.0.80".parse().unwrap(),
        }),
        ports: Some(NatPorts {
            range: netverdict_net::PortRange {
                start: 8080,
                end: 8080,
            },
            base: None,
        }),
        ..NatRange::default()
    };
    let rules = Rules::v4()
        .policy(Filter, Hook::Input, Policy::Drop)
        .rule(
            Filter,
            "FORWARD",
            Rule {
                destination: net("10.0.0.80"),
                ..Rule::default()
            },
        )
        .target(Nat, "PREROUTING", Target::Dnat(Dnat { to }));
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(
        device("eth0"),
        &tcp_packet("198.51.100.7", "203.0.113.1", (4000, 80), SYN),
    );
    assert_eq!(outcome.fate, Fate::Forwarded);
    assert_eq!(outcome.nat.unwrap().after.destination_port, 8080);
    assert_eq!(bench.packets(Filter, "FORWARD"), [1, 1]);
    assert_eq!(bench.packets(Filter, "INPUT"), [0]);
}

/// OUTPUT, POSTROUTING, PREROUTING, INPUT with the connection attached: still NEW at the end, and nat's input side has
/// nothing left to ask.
#[test]
fn loopback_goes_out_and_comes_in() {
    let rules = Rules::v4()
        .rule(Filter, "INPUT", in_state(CtStates::NEW, Target::Accept))
        .rule(Raw, "OUTPUT", Rule::default())
        .rule(Raw, "PREROUTING", Rule::default())
        .rule(Mangle, "POSTROUTING", Rule::default())
        .rule(Nat, "INPUT", Rule::default())
        .rule(Nat, "PREROUTING", Rule::default())
        .rule(Nat, "OUTPUT", Rule::default())
        .rule(Nat, "POSTROUTING", Rule::default());
    let mut bench = Bench::new(rules);
    let outcome = bench.send(
        device("lo"),
        &udp_packet("127.0.0.1", "127.0.0.1", (5000, 53), b"q"),
    );
    assert_eq!(
        (outcome.fate, outcome.state),
        (Fate::Local, Some(CtState::New))
    );
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 1))
    );
    for (table, chain, packets) in [
        (Raw, "OUTPUT", 1),
        (Raw, "PREROUTING", 1),
        (Mangle, "POSTROUTING", 1),
        (Filter, "INPUT", 1),
        (Nat, "OUTPUT", 1),
        (Nat, "POSTROUTING", 1),
        (Nat, "PREROUTING", 0),
        (Nat, "INPUT", 0),
    ] {
        assert_eq!(bench.count(table, chain, 1).0, packets, "{table} {chain}");
    }
}

#[test]
fn the_last_hop_is_refused_before_forward() {
    let mut bench = Bench::new(Rules::v4().rule(Filter, "FORWARD", Rule::default()));
    let mut bytes = udp_packet("198.51.100.7", "10.0.0.9", (1, 2), b"");
    bytes[8] = 1;
    seal_v4(&mut bytes);
    let outcome = bench.receive(device("eth0"), &bytes);
    assert_eq!(outcome.decided_by.reason, Some(Reason::TtlExceeded));
    assert_eq!(bench.packets(Filter, "FORWARD"), [0, 0]);
    let answer = &outcome.emitted[0].packet;
    assert_eq!(answer.source().to_string(), "203.0.113.1");
    assert_eq!(answer.array::<2>(20), Ok(&[11, 0]));
}

/// A host whose eth1 takes 1400 bytes.
fn narrow() -> Host {
    let mut facts = router_facts();
    facts.interfaces[2].mtu = 1400;
    Host::new(facts)
}

#[test]
fn what_may_not_be_cut_and_does_not_fit_is_refused() {
    let mut bench = Bench::on(Rules::v4(), &Config::default(), &narrow());
    let mut bytes = udp_packet("198.51.100.7", "10.0.0.9", (1, 2), &[0; 1400]);
    assert_eq!(bench.receive(device("eth0"), &bytes).fate, Fate::Forwarded);
    bytes[6] = 0x40;
    seal_v4(&mut bytes);
    let outcome = bench.receive(device("eth0"), &bytes);
    assert_eq!(outcome.decided_by.reason, Some(Reason::PacketTooBig));
    let answer = &outcome.emitted[0].packet;
    assert_eq!(
        (answer.array::<2>(20), answer.u16(26)),
        (Ok(&[3, 4]), Ok(1400))
    );
}

/// Longer than what its device takes, a packet came in as several that were merged.
#[test]
fn merged_segments_are_not_too_big() {
    let mut bench = Bench::new(Rules::v4());
    let mut bytes = udp_packet("198.51.100.7", "10.0.0.9", (1, 2), &[0; 2000]);
    bytes[6] = 0x40;
    seal_v4(&mut bytes);
    assert_eq!(bench.receive(device("eth0"), &bytes).fate, Fate::Forwarded);
}

#[test]
fn a_bad_header_checksum_is_seen_by_no_rule() {
    let mut bench = Bench::new(Rules::v4().rule(Raw, "PREROUTING", Rule::default()));
    let mut bytes = udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b"");
    bytes[10] ^= 1;
    let outcome = bench.receive(device("eth0"), &bytes);
    assert_eq!(outcome.decided_by.reason, Some(Reason::BadIpHeader));
    assert_eq!(bench.packets(Raw, "PREROUTING"), [0, 0]);
}

/// Trap T12: UNTRACKED is neither NEW nor INVALID.
#[test]
fn untracked_is_not_new() {
    let rules = Rules::v4()
        .target(Raw, "PREROUTING", Target::Notrack)
        .rule(
            Filter,
            "INPUT",
            in_state(CtStates::NEW.union(CtStates::INVALID), Target::Drop),
        )
        .rule(
            Filter,
            "INPUT",
            in_state(CtStates::UNTRACKED, Target::Accept),
        );
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(
        device("eth0"),
        &udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b""),
    );
    assert_eq!(outcome.state, Some(CtState::Untracked));
    assert_eq!(bench.packets(Filter, "INPUT"), [0, 1, 0]);
}

/// Trap T23: REJECT drops and answers, with a port unreachable from the address that was asked.
#[test]
fn reject_answers() {
    let with = RejectWith::Icmp(IcmpReject::PortUnreachable);
    let mut bench =
        Bench::new(Rules::v4().target(Filter, "INPUT", Target::Reject(Reject { with })));
    let bytes = udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b"data");
    let outcome = bench.receive(device("eth0"), &bytes);
    assert_eq!(
        (outcome.verdict, outcome.fate),
        (Verdict::Reject, Fate::Dropped)
    );
    let answer = &outcome.emitted[0];
    assert_eq!(answer.why, "REJECT icmp-port-unreachable");
    assert_eq!(answer.packet.destination().to_string(), "198.51.100.7");
    assert_eq!(answer.packet.array::<2>(20), Ok(&[3, 3]));
    assert_eq!(answer.packet.read(28, bytes.len()), Ok(&bytes[..]));
}

#[test]
fn a_reset_takes_up_the_senders_numbers() {
    let with = RejectWith::TcpReset;
    let mut bench =
        Bench::new(Rules::v4().target(Filter, "INPUT", Target::Reject(Reject { with })));
    let outcome = bench.receive(
        device("eth0"),
        &tcp_packet("198.51.100.7", "203.0.113.1", (4000, 80), SYN),
    );
    let reset = &outcome.emitted[0].packet;
    assert_eq!(reset.u32(24), Ok(0));
    assert_eq!(reset.u32(28), Ok(1001));
    assert_eq!(reset.array::<1>(33), Ok(&[4 | ACK]));
    let outcome = bench.receive(
        device("eth0"),
        &tcp_packet("198.51.100.7", "203.0.113.1", (4000, 80), ACK),
    );
    let reset = &outcome.emitted[0].packet;
    assert_eq!((reset.u32(24), reset.u32(28)), (Ok(7), Ok(0)));
    assert_eq!(reset.array::<1>(33), Ok(&[4]));
    let outcome = bench.receive(
        device("eth0"),
        &tcp_packet("198.51.100.7", "203.0.113.1", (4000, 80), 4),
    );
    assert!(outcome.emitted.is_empty());
}

/// Whether TPROXY has a socket, nobody tells: both ends are looked at, and the packet counts as dropped.
#[test]
fn tproxy_without_known_sockets_is_unknown() {
    let target = Target::Tproxy(Tproxy {
        port: 3129,
        address: Tproxy::any_address(Family::V4),
        mark: 1,
        mark_mask: 1,
    });
    let mut bench = Bench::new(Rules::v4().target(Mangle, "PREROUTING", target));
    let outcome = bench.receive(
        device("eth0"),
        &tcp_packet("198.51.100.7", "203.0.113.1", (4000, 80), SYN),
    );
    assert_eq!(
        (outcome.verdict, outcome.fate),
        (Verdict::Unknown, Fate::Dropped)
    );
    assert!(outcome.unknowns[0].decides);
}

#[test]
fn a_mark_is_kept_and_shown() {
    let mark = |value, mask| Target::Mark(Mark { value, mask });
    let rules = Rules::v4()
        .target(Mangle, "PREROUTING", mark(0x10, 0xff))
        .target(Mangle, "INPUT", mark(0x1, 0));
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(
        device("eth0"),
        &udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b""),
    );
    assert_eq!(outcome.mark, 0x11);
}

/// Trap T14: with tracking on, rules see the datagram whole; without, in pieces, and local delivery puts it together.
#[test]
fn fragments_with_and_without_tracking() {
    let whole = udp_packet("198.51.100.7", "203.0.113.1", (1, 2), &[7; 24]);
    let payload = &whole[20..];
    let fragment = |from: usize, to: usize, more: bool| {
        let mut bytes = ipv4(
            "198.51.100.7",
            "203.0.113.1",
            Protocol::UDP,
            &payload[from..to],
        );
        bytes[6..8].copy_from_slice(&((from / 8) as u16 | u16::from(more) << 13).to_be_bytes());
        seal_v4(&mut bytes);
        bytes
    };
    let pieces = [fragment(0, 16, true), fragment(16, 32, false)];
    let base = || {
        Rules::v4()
            .rule(Mangle, "PREROUTING", Rule::default())
            .rule(Filter, "INPUT", Rule::default())
    };
    let tracking = base().rule(Filter, "OUTPUT", in_state(CtStates::NEW, Target::Accept));
    for (rules, seen) in [(base(), (2, 72)), (tracking, (1, 52))] {
        let mut bench = Bench::new(rules);
        let held = bench.receive(device("eth0"), &pieces[0]);
        assert_eq!((held.verdict, held.fate), (Verdict::Stolen, Fate::Held));
        let last = bench.receive(device("eth0"), &pieces[1]);
        assert_eq!((last.fate, last.len), (Fate::Local, 52));
        assert_eq!(bench.count(Mangle, "PREROUTING", 1), seen);
        assert_eq!(bench.count(Filter, "INPUT", 1), (1, 52));
    }
}

/// A datagram whose extension headers reach into its second fragment is put together for tracking, and the kernel does not
/// find where to split it again.
#[test]
fn headers_beyond_the_first_fragment_cannot_be_split_again() {
    let udp = [&[0, 1, 0, 2, 0, 88, 0, 0][..], &[7; 80]].concat();
    let destination = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
    let routing = [17, 2, 4, 0, 0, 0, 0, 0].into_iter().chain([0; 16]);
    let chain = [&destination(43)[..], &routing.collect::<Vec<u8>>(), &udp].concat();
    let fragment = |from: usize, to: usize, more: bool| {
        let place = (from as u16) | u16::from(more);
        let header = [&[60, 0][..], &place.to_be_bytes(), &[0, 0, 0, 9]].concat();
        let payload = [&header[..], &chain[from..to]].concat();
        ipv6("2001:db8::7", "2001:db8:1::9", Protocol::FRAGMENT, &payload)
    };
    for (first, fate, reason) in [
        (8, Fate::Dropped, Some(Reason::FragmentBad)),
        (48, Fate::Forwarded, None),
    ] {
        let accept = in_state(CtStates::NEW.union(CtStates::INVALID), Target::Accept);
        let mut bench = Bench::new(Rules::v6().rule(Filter, "FORWARD", accept));
        for (from, to) in [(0, first), (first, 64)] {
            let held = bench.receive(device("eth0"), &fragment(from, to, true));
            assert_eq!(held.fate, Fate::Held, "{first}");
        }
        let last = bench.receive(device("eth0"), &fragment(64, chain.len(), false));
        assert_eq!(
            (last.fate, last.decided_by.reason),
            (fate, reason),
            "{first}"
        );
        assert_eq!(bench.packets(Filter, "FORWARD")[0], 1, "{first}");
    }
}

/// Without a route back a router that knows its routes says so to the sender.
#[test]
fn martians_and_foreign_frames_are_dropped_unseen() {
    let mut bench = Bench::new(Rules::v4());
    let martian = udp_packet("127.0.0.1", "203.0.113.1", (1, 2), b"");
    assert_eq!(
        bench.receive(device("eth0"), &martian).decided_by.reason,
        Some(Reason::Martian)
    );
    let own = udp_packet("10.0.0.1", "203.0.113.1", (1, 2), b"");
    assert_eq!(
        bench.receive(device("eth0"), &own).decided_by.reason,
        Some(Reason::OwnSource)
    );
}

/// A broadcast's copy passes POSTROUTING, PREROUTING and INPUT by itself.
#[test]
fn a_broadcast_comes_back_as_a_copy() {
    let mut rules = Rules::v4();
    for (table, chain) in [
        (Filter, "OUTPUT"),
        (Mangle, "POSTROUTING"),
        (Mangle, "PREROUTING"),
        (Filter, "INPUT"),
    ] {
        rules = rules.rule(table, chain, Rule::default());
    }
    let mut bench = Bench::new(rules);
    let bytes = udp_packet("203.0.113.1", "203.0.113.255", (1, 2), b"");
    let outcome = bench.send(device("eth0"), &bytes);
    assert_eq!(outcome.fate, Fate::Sent);
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "OUTPUT", 0))
    );
    assert_eq!(bench.packets(Filter, "OUTPUT"), [1, 1]);
    assert_eq!(bench.packets(Mangle, "POSTROUTING"), [2, 2]);
    assert_eq!(bench.packets(Mangle, "PREROUTING"), [1, 1]);
    assert_eq!(bench.packets(Filter, "INPUT"), [1, 1]);
}

/// Trap T23: the host's own answers count, a REJECT's goes through OUTPUT as RELATED.
#[test]
fn answers_go_through_output() {
    let with = RejectWith::Icmp(IcmpReject::PortUnreachable);
    let accept = in_state(CtStates::RELATED, Target::Accept);
    let rules = Rules::v4()
        .target(Filter, "INPUT", Target::Reject(Reject { with }))
        .rule(Filter, "OUTPUT", accept);
    let bytes = udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b"data");
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &bytes);
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 1))
    );
    assert_eq!(bench.packets(Filter, "OUTPUT"), [1, 0]);
    let (left, by) = outcome.emitted[0].left.as_ref().unwrap();
    assert_eq!(
        (left.captured(), *by),
        (outcome.emitted[0].packet.captured(), device("eth0"))
    );
}

/// An answer that OUTPUT drops has moved its counters and does not leave; the packet answered ends as it would have.
#[test]
fn an_answer_may_be_dropped() {
    let with = RejectWith::TcpReset;
    let rules = Rules::v4()
        .target(Filter, "INPUT", Target::Reject(Reject { with }))
        .target(Filter, "OUTPUT", Target::Drop);
    let bytes = tcp_packet("198.51.100.7", "203.0.113.1", (1, 2), 2);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &bytes);
    assert_eq!(outcome.verdict, Verdict::Reject);
    assert_eq!(bench.packets(Filter, "OUTPUT"), [1, 0]);
    assert_eq!(outcome.emitted[0].fate, Fate::Dropped);
    assert!(outcome.emitted[0].left.is_none());
}

/// Six ICMP errors, one a second, use up what is left of a minute's worth of one in ten; then a peer waits for its next.
#[test]
fn answers_are_limited() {
    let with = RejectWith::Icmp(IcmpReject::PortUnreachable);
    let rules = Rules::v4().target(Filter, "INPUT", Target::Reject(Reject { with }));
    let bytes = udp_packet("198.51.100.7", "203.0.113.1", (1, 2), b"data");
    let mut facts = crate::testing::router_facts();
    facts.sysctls.set("net.ipv4.icmp_ratelimit=10000").unwrap();
    let mut bench = Bench::on(rules, &Config::default(), &Host::new(facts));
    let sent: Vec<usize> = (0..11)
        .map(|_| bench.receive(device("eth0"), &bytes).emitted.len())
        .collect();
    assert_eq!(sent, [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1]);
    assert_eq!(bench.packets(Filter, "OUTPUT"), [7]);
}

/// Out of the device that it came by, and the sender could have reached the next hop itself: it is told so, before
/// FORWARD, in a packet of its own.
#[test]
fn a_better_way_is_told() {
    let rules = Rules::v4().target(Filter, "FORWARD", Target::Drop);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(
        device("eth1"),
        &udp_packet("10.0.0.2", "10.0.0.9", (1, 2), b""),
    );
    assert_eq!(outcome.verdict, Verdict::Drop);
    let redirect = outcome.emitted[0].packet.captured();
    assert_eq!(redirect[20..22], [5, 1]);
    assert_eq!(redirect[24..28], [10, 0, 0, 9]);
    // The quoted packet has one hop less.
    assert_eq!(redirect[28 + 8], 63);
    let through = bench.receive(
        device("eth1"),
        &udp_packet("10.0.0.2", "198.51.100.9", (1, 2), b""),
    );
    assert!(through.emitted.is_empty());
}

/// Trap of OUTPUT: a destination that nat changes leads elsewhere, but filter OUTPUT still sees the old out-device.
#[test]
fn output_rules_see_the_device_before_the_reroute() {
    let to = |address: &str| NatRange {
        addresses: Some(AddrRange {
            start: address.parse().unwrap(),
            end: address.parse().unwrap(),
        }),
        ..NatRange::default()
    };
    let by = |name| Rule {
        out_interface: crate::testing::interface(name),
        ..Rule::default()
    };
    let rules = Rules::v4()
        .target(
            Nat,
            "OUTPUT",
            Target::Dnat(Dnat {
                to: to("198.51.100.9"),
            }),
        )
        .rule(Filter, "OUTPUT", by("eth1"))
        .rule(Filter, "OUTPUT", by("eth0"))
        .rule(Mangle, "POSTROUTING", by("eth0"));
    let mut bench = Bench::new(rules);
    let outcome = bench.send(
        device("eth1"),
        &udp_packet("10.0.0.1", "10.0.0.9", (1, 2), b""),
    );
    assert_eq!(outcome.out_device, device("eth0"));
    assert_eq!(bench.packets(Filter, "OUTPUT"), [1, 0, 1]);
    assert_eq!(bench.packets(Mangle, "POSTROUTING"), [1, 1]);
}

/// A policy rule that asks what no capture tells leaves the way open, and with it the verdict.
#[test]
fn an_undecided_route_is_followed_each_way() {
    let mut facts = router_facts();
    let mut rule = netverdict_host::PolicyRule::lookup(7, netverdict_host::TableId::MAIN);
    rule.unknown_selectors = vec!["tun_id".into()];
    let mut rules = netverdict_host::PolicyRule::defaults(Family::V4);
    rules.push(rule);
    facts.rules_v4 = Some(rules);
    let host = Host::new(facts);
    let drops = Rules::v4().policy(Filter, Hook::Input, Policy::Drop);
    let mut bench = Bench::on(drops, &Config::default(), &host);
    let outcome = bench.receive(
        device("eth0"),
        &tcp_packet("192.0.2.9", "8.8.8.8", (1, 2), 2),
    );
    assert_eq!(outcome.verdict, Verdict::Unknown);
    assert!(outcome.unknowns[0].decides && outcome.unknowns[0].why.contains("policy rule 7"));
}

/// A rule for a user's packets leaves the way of what a process sends open, until facts tell the user.
#[test]
fn the_owner_of_a_socket_may_choose_its_way() {
    let mut facts = router_facts();
    let mut rule = netverdict_host::PolicyRule::lookup(7, netverdict_host::TableId::MAIN);
    rule.uids = Some((1000, 1000));
    let mut rules = netverdict_host::PolicyRule::defaults(Family::V4);
    rules.push(rule);
    facts.rules_v4 = Some(rules);
    let host = Host::new(facts);
    let mut bench = Bench::on(Rules::v4(), &Config::default(), &host);
    let outcome = bench.send(
        Device::Unknown,
        &tcp_packet("192.0.2.1", "8.8.8.8", (1, 2), 2),
    );
    assert!(
        outcome.unknowns[0].why.contains("policy rule 7"),
        "{:?}",
        outcome.unknowns
    );
    let owner = OwnerFact {
        exists: true,
        uid: Some(1000),
        ..OwnerFact::default()
    };
    let told = Fact {
        about: About::Owner(owner),
        flow: None,
        text: "owner uid 1000".to_owned(),
    };
    let config = Config {
        facts: Facts::new(vec![told]),
        ..Config::default()
    };
    let mut bench = Bench::on(Rules::v4(), &config, &host);
    let outcome = bench.send(
        Device::Unknown,
        &tcp_packet("192.0.2.1", "8.8.8.8", (1, 2), 2),
    );
    assert!(outcome.unknowns.is_empty(), "{:?}", outcome.unknowns);
}

/// A reset of IPv6 is made after the kernel has summed the segment again: that it came with a right checksum does not
/// help where DNPT has spoilt it since, for a destination under another prefix than the rule's.
#[test]
fn a_checksum_that_was_right_is_summed_again_before_a_reset() {
    let text = "*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -j DNPT --src-pfx 2001:db8:77::/48 --dst-pfx 2001:db8:8::/48
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
COMMIT
";
    for (prefix, answers) in [("2001:db8:77", 1), ("2001:db8:78", 0)] {
        let bytes = tcp_packet("2001:db8:f::9", &format!("{prefix}::5"), (1, 80), SYN);
        for sum in [Sum::Unknown, Sum::Right] {
            let mut bench = Bench::new(crate::testing::dump(Family::V6, text));
            let input = crate::Input {
                packet: netverdict_net::Packet::new(
                    &bytes,
                    bytes.len(),
                    netverdict_net::Link::default(),
                )
                .unwrap(),
                time: netverdict_net::Timestamp::new(1, 0),
                entry: crate::Entry::Prerouting {
                    in_device: device("eth0"),
                },
            };
            let outcome = bench
                .engine
                .step_known(input, sum, &mut crate::NullObserver);
            let by = Some(bench.rule(Filter, "FORWARD", 1));
            assert_eq!(outcome.decided_by.rule, by, "{prefix} {sum:?}");
            assert_eq!(outcome.emitted.len(), answers, "{prefix} {sum:?}");
        }
    }
}
