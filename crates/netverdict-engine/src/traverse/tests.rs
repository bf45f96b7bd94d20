//! Traversal against small rulesets whose counters the kernel was seen to give.

use netverdict_net::{Device, Protocol};
use netverdict_ruleset::TableKind::{Filter, Mangle, Nat};
use netverdict_ruleset::matches::Unsupported;
use netverdict_ruleset::{Backend, FragmentTest, Hook, Invertible, Match, Policy, Rule, Target};

use crate::testing::{
    Bench, Rules, device, interface, ipv4, ipv6, net, not_interface, seal_v4, tcp_packet,
    udp_packet,
};
use crate::{Config, Fate, Reason, UnknownPolicy, Verdict};

const SYN: u8 = 2;

fn syn() -> Vec<u8> {
    tcp_packet("198.51.100.7", "203.0.113.1", (40000, 22), SYN)
}

fn plain(target: Option<Target>) -> Rule {
    Rule {
        target,
        ..Rule::default()
    }
}

/// Trap T2: RETURN in a built-in chain is its policy, and both count.
#[test]
fn return_in_a_base_chain_is_its_policy() {
    let rules = Rules::v4()
        .policy(Filter, Hook::Input, Policy::Drop)
        .target(Filter, "INPUT", Target::Return)
        .target(Filter, "INPUT", Target::Accept);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &syn());
    assert_eq!(outcome.verdict, Verdict::Drop);
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 0))
    );
    assert_eq!(bench.packets(Filter, "INPUT"), [1, 0, 1]);
    assert_eq!(bench.count(Filter, "INPUT", 0), (1, 40));
}

/// Trap T3: what a goto enters returns behind the last jump, not behind the goto.
#[test]
fn goto_returns_to_the_caller_of_the_chain_that_went() {
    let rules = Rules::v4()
        .chain(Filter, "A")
        .chain(Filter, "B")
        .jump(Filter, "INPUT", "A", false)
        .target(Filter, "INPUT", Target::Drop)
        .jump(Filter, "A", "B", true)
        .target(Filter, "A", Target::Accept)
        .target(Filter, "B", Target::Return);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &syn());
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 2))
    );
    assert_eq!(bench.packets(Filter, "A"), [1, 0, 0]);
    assert_eq!(bench.packets(Filter, "B"), [1, 0]);
}

/// Trap T3: a goto from a built-in chain ends in its policy.
#[test]
fn goto_from_a_base_chain_ends_in_its_policy() {
    let rules = Rules::v4()
        .chain(Filter, "A")
        .policy(Filter, Hook::Input, Policy::Drop)
        .jump(Filter, "INPUT", "A", true)
        .target(Filter, "INPUT", Target::Accept)
        .rule(Filter, "A", plain(None));
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &syn());
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 0))
    );
    assert_eq!(bench.packets(Filter, "INPUT"), [1, 0, 1]);
    assert_eq!(bench.packets(Filter, "A"), [1, 0]);
}

/// Trap T19: a rule without target counts, and the next rule's turn comes.
#[test]
fn a_rule_without_target_only_counts() {
    let rules =
        Rules::v4()
            .rule(Filter, "INPUT", plain(None))
            .target(Filter, "INPUT", Target::Accept);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &syn());
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 2))
    );
    assert_eq!(bench.packets(Filter, "INPUT"), [1, 1, 0]);
}

/// Trap T6: a forwarded packet never meets INPUT or OUTPUT.
#[test]
fn forwarded_packets_meet_forward_alone() {
    let rules = Rules::v4()
        .policy(Filter, Hook::Input, Policy::Drop)
        .policy(Filter, Hook::Output, Policy::Drop)
        .target(Filter, "FORWARD", Target::Accept);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(
        device("eth0"),
        &udp_packet("198.51.100.7", "10.0.0.9", (53, 53), b"x"),
    );
    assert_eq!(
        (outcome.verdict, outcome.fate),
        (Verdict::Accept, Fate::Forwarded)
    );
    assert_eq!(outcome.out_device, device("eth1"));
    assert_eq!(
        outcome.egress.as_ref().map(netverdict_net::Packet::ttl),
        Some(63)
    );
    assert_eq!(bench.packets(Filter, "INPUT"), [0]);
    assert_eq!(bench.packets(Filter, "OUTPUT"), [0]);
    assert_eq!(bench.count(Filter, "FORWARD", 1), (1, 29));
}

/// A missing device is an empty name: `-o eth0` fails in INPUT, `! -o eth0` holds, `-o +` too.
#[test]
fn a_missing_device_is_an_empty_name() {
    let out = |test| Rule {
        out_interface: test,
        ..Rule::default()
    };
    let rules = Rules::v4()
        .chain(Filter, "A")
        .jump(Filter, "INPUT", "A", false)
        .rule(Filter, "A", out(interface("eth0")))
        .rule(Filter, "A", out(not_interface("eth0")))
        .rule(Filter, "A", out(interface("+")))
        .rule(Filter, "A", out(not_interface("+")));
    let mut bench = Bench::new(rules);
    bench.receive(device("eth0"), &syn());
    assert_eq!(bench.packets(Filter, "A"), [0, 1, 1, 0, 0]);
}

/// Trap T16: `lo+` and `+` match lo, `lo++` does not.
#[test]
fn a_plus_is_a_prefix_once() {
    let on = |name| Rule {
        in_interface: interface(name),
        ..Rule::default()
    };
    let rules = Rules::v4()
        .rule(Filter, "INPUT", on("eth0"))
        .rule(Filter, "INPUT", on("eth0+"))
        .rule(Filter, "INPUT", on("et+"))
        .rule(Filter, "INPUT", on("eth0++"))
        .rule(Filter, "INPUT", on("eth"));
    let mut bench = Bench::new(rules);
    bench.receive(device("eth0"), &syn());
    assert_eq!(bench.packets(Filter, "INPUT"), [1, 1, 1, 0, 0, 1]);
}

/// In POSTROUTING a forwarded packet still has its in-device, one made here has none.
#[test]
fn postrouting_keeps_the_in_device() {
    let on = |name| Rule {
        in_interface: interface(name),
        ..Rule::default()
    };
    let rules = Rules::v4()
        .chain(Mangle, "A")
        .jump(Mangle, "POSTROUTING", "A", false)
        .rule(Mangle, "A", on("eth0"));
    let mut bench = Bench::new(rules);
    bench.receive(
        device("eth0"),
        &udp_packet("198.51.100.7", "10.0.0.9", (1, 2), b""),
    );
    bench.send(
        device("eth1"),
        &udp_packet("10.0.0.1", "10.0.0.9", (1, 2), b""),
    );
    assert_eq!(bench.packets(Mangle, "A"), [1, 0]);
    assert_eq!(bench.packets(Mangle, "POSTROUTING"), [2, 2]);
}

#[test]
fn addresses_are_compared_under_any_mask() {
    let from = |text| Rule {
        source: net(text),
        ..Rule::default()
    };
    let not_all = Rule {
        source: net("0.0.0.0/0").map(|t| Invertible::inverted(t.value)),
        ..Rule::default()
    };
    let rules = Rules::v4()
        .rule(Filter, "INPUT", from("198.51.100.0/24"))
        .rule(Filter, "INPUT", from("198.0.100.0/255.0.255.0"))
        .rule(Filter, "INPUT", from("198.51.101.0/24"))
        .rule(Filter, "INPUT", not_all);
    let mut bench = Bench::new(rules);
    bench.receive(device("eth0"), &syn());
    assert_eq!(bench.packets(Filter, "INPUT"), [1, 1, 0, 0, 1]);
}

/// `-f` is for later fragments; a first fragment is none, and `-p` holds for all of them.
#[test]
fn fragments_by_their_offset() {
    let test = |fragment| Rule {
        fragment: Some(fragment),
        ..Rule::default()
    };
    let tcp = Rule {
        protocol: Some(Invertible::plain(Protocol::TCP)),
        ..Rule::default()
    };
    let rules = Rules::v4()
        .rule(Mangle, "PREROUTING", test(FragmentTest::Later))
        .rule(Mangle, "PREROUTING", test(FragmentTest::HeadOrWhole))
        .rule(Mangle, "PREROUTING", tcp);
    let mut bench = Bench::new(rules);
    for word in [[0x20, 0], [0, 4]] {
        let mut bytes = ipv4("198.51.100.7", "10.0.0.9", Protocol::TCP, &[0; 24]);
        bytes[6..8].copy_from_slice(&word);
        seal_v4(&mut bytes);
        let outcome = bench.receive(device("eth0"), &bytes);
        assert_eq!(outcome.fate, Fate::Forwarded);
    }
    assert_eq!(bench.packets(Mangle, "PREROUTING"), [1, 1, 2, 2]);
}

/// ip6tables: a broken header chain drops the packet as soon as a rule with `-p` is tried, and nothing counts.
#[test]
fn a_broken_extension_header_hotdrops() {
    let tcp = |source| Rule {
        source,
        protocol: Some(Invertible::plain(Protocol::TCP)),
        target: Some(Target::Accept),
        ..Rule::default()
    };
    let rules = Rules::v6()
        .rule(Filter, "INPUT", tcp(net("2001:db8:99::/48")))
        .rule(Filter, "INPUT", plain(None))
        .rule(Filter, "INPUT", tcp(None));
    let mut bench = Bench::new(rules);
    // Another destination-options header should follow.
    let bytes = ipv6(
        "2001:db8:5::7",
        "2001:db8::1",
        Protocol::DSTOPTS,
        &[60, 0, 1, 4, 0, 0, 0, 0],
    );
    let outcome = bench.receive(device("eth0"), &bytes);
    assert_eq!(outcome.decided_by.reason, Some(Reason::Hotdrop));
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 3))
    );
    assert_eq!(bench.packets(Filter, "INPUT"), [0, 1, 0, 0]);
}

/// The last header is what `-p` means in ip6tables.
#[test]
fn ip6tables_finds_the_last_header() {
    let is = |protocol| Rule {
        protocol: Some(Invertible::plain(protocol)),
        ..Rule::default()
    };
    let rules = Rules::v6()
        .rule(Filter, "INPUT", is(Protocol::DSTOPTS))
        .rule(Filter, "INPUT", is(Protocol::TCP));
    let mut bench = Bench::new(rules);
    let mut payload = vec![6, 0, 1, 4, 0, 0, 0, 0];
    payload.extend(crate::testing::tcp(
        "2001:db8:5::7",
        "2001:db8::1",
        (1, 2),
        SYN,
    ));
    bench.receive(
        device("eth0"),
        &ipv6("2001:db8:5::7", "2001:db8::1", Protocol::DSTOPTS, &payload),
    );
    assert_eq!(bench.packets(Filter, "INPUT"), [0, 1, 1]);
}

/// To nf_tables an authentication header is the last one; ip6_tables looks behind it.
#[test]
fn nft_stops_at_an_authentication_header() {
    for (backend, counted) in [(Backend::Legacy, [0, 1, 1]), (Backend::Nft, [1, 0, 1])] {
        let is = |protocol| Rule {
            protocol: Some(Invertible::plain(protocol)),
            ..Rule::default()
        };
        let rules = Rules::v6().rule(Filter, "INPUT", is(Protocol::AH)).rule(
            Filter,
            "INPUT",
            is(Protocol::TCP),
        );
        let config = Config {
            backend: Some(backend),
            ..Config::default()
        };
        let mut bench = Bench::with(rules, &config);
        let (from, to) = ("2001:db8:5::7", "2001:db8::1");
        let mut payload = vec![6, 4];
        payload.resize(24, 0);
        payload.extend(crate::testing::tcp(from, to, (1, 2), SYN));
        bench.receive(device("eth0"), &ipv6(from, to, Protocol::AH, &payload));
        assert_eq!(bench.packets(Filter, "INPUT"), counted, "{backend}");
    }
}

/// A nat chain is not asked while nothing switches tracking on: not even its policy works.
#[test]
fn nat_without_tracking_is_not_consulted() {
    let rules = Rules::v4().policy(Nat, Hook::Prerouting, Policy::Drop);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &syn());
    assert_eq!(outcome.verdict, Verdict::Accept);
    assert_eq!(outcome.decided_by.reason, Some(Reason::NoTable));
    assert_eq!(bench.packets(Nat, "PREROUTING"), [0]);
}

fn unknown_rule(target: Option<Target>) -> Rule {
    Rule {
        matches: vec![Match::Unsupported(Unsupported {
            name: "geoip".into(),
            args: Vec::new(),
        })],
        target,
        ..Rule::default()
    }
}

/// Trap T4: an undecidable match is neither true nor false. Where both ways end alike, the verdict stands.
#[test]
fn an_unknown_that_does_not_matter_leaves_the_verdict() {
    let rules = Rules::v4()
        .rule(Filter, "INPUT", unknown_rule(Some(Target::Accept)))
        .target(Filter, "INPUT", Target::Accept);
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(device("eth0"), &syn());
    assert_eq!(outcome.verdict, Verdict::Accept);
    assert_eq!(
        outcome.decided_by.rule,
        Some(bench.rule(Filter, "INPUT", 2))
    );
    assert_eq!(outcome.unknowns.len(), 1);
    assert!(!outcome.unknowns[0].decides);
    assert_eq!(bench.packets(Filter, "INPUT"), [0, 1, 0]);
}

/// Trap T4: where it matters, the verdict is unknown and the match is named; counters follow the policy for unknowns.
#[test]
fn an_unknown_that_matters_is_named() {
    for (policy, counted) in [
        (UnknownPolicy::NoMatch, [0, 1, 0]),
        (UnknownPolicy::Match, [1, 0, 0]),
    ] {
        let rules = Rules::v4()
            .rule(Filter, "INPUT", unknown_rule(Some(Target::Accept)))
            .target(Filter, "INPUT", Target::Drop);
        let config = Config {
            unknown: policy,
            ..Config::default()
        };
        let mut bench = Bench::with(rules, &config);
        let outcome = bench.receive(device("eth0"), &syn());
        assert_eq!(outcome.verdict, Verdict::Unknown);
        let unknown = &outcome.unknowns[0];
        assert_eq!(unknown.rule, Some(bench.rule(Filter, "INPUT", 1)));
        assert_eq!((unknown.match_index, unknown.decides), (Some(0), true));
        assert_eq!(bench.packets(Filter, "INPUT"), counted);
    }
}

#[test]
fn an_unknown_device_is_unknown_to_rules_that_ask() {
    let on = |name, target| Rule {
        in_interface: interface(name),
        target: Some(target),
        ..Rule::default()
    };
    let rules = Rules::v4()
        .rule(Filter, "INPUT", on("+", Target::Accept))
        .rule(Filter, "INPUT", on("eth0", Target::Drop));
    let mut bench = Bench::new(rules);
    assert_eq!(
        bench.receive(Device::Unknown, &syn()).verdict,
        Verdict::Accept
    );
    let rules = Rules::v4().rule(Filter, "INPUT", on("eth0", Target::Drop));
    let mut bench = Bench::new(rules);
    let outcome = bench.receive(Device::Unknown, &syn());
    assert_eq!(outcome.verdict, Verdict::Unknown);
    assert_eq!(outcome.unknowns[0].match_index, None);
}
