//! One small case for each behaviour that simulators get wrong. The dump is written as `iptables-save -c` prints it after
//! the packets: its counters are the expectation, down to the rule. A case that the kernel contradicts is wrong.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

#[path = "traps/frames.rs"]
mod frames;
#[path = "traps/router.rs"]
mod router;

use netverdict_conform::rig::{Backend, Counters, Fate, Pace};
use netverdict_conform::{Case, random};
use netverdict_net::Family;
use router::{mac, router};

/// The text to load: the expectation without its counters.
fn to_load(expected: &str) -> String {
    let mut text = String::new();
    for line in expected.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let line = match line.as_bytes()[0] {
            b'[' => line.split_once(' ').unwrap().1.to_owned(),
            b':' => format!("{} [0:0]", line.rsplit_once(' ').unwrap().0),
            _ => line.to_owned(),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Runs frames against a dump and holds the counters to those that the dump is written with, and each frame to its fate:
/// `L`ocal, `E`mitted or `G`one.
fn trap(family: Family, expected: &str, packets: &str, fates: &str) {
    let expected_text: String = expected.lines().flat_map(|l| [l.trim(), "\n"]).collect();
    let expected = Counters::parse(family, &expected_text).unwrap();
    let text = Some(to_load(&expected_text));
    let (v4, v6) = match family {
        Family::V4 => (text, None),
        Family::V6 => (None, text),
    };
    let case = Case {
        facts: router(),
        v4,
        v6,
        ipset: None,
        timeouts: None,
        backend: Backend::Legacy,
        frames: frames::frames(packets, mac),
    };
    let run = match case.run(Pace::Fast) {
        Err(error) if error.is_missing() => {
            eprintln!("SKIPPED: {error}");
            return;
        }
        other => other.unwrap(),
    };
    let seen: String = run
        .seen
        .iter()
        .map(|seen| match seen.fate() {
            Fate::Local => 'L',
            Fate::Emitted => 'E',
            Fate::Gone => 'G',
        })
        .collect();
    hold("kernel", &expected, &run.counters[0].1);
    assert_eq!(seen, fates, "fates in the kernel");
    let compared = random::judge(case, run).unwrap();
    assert!(
        compared.differences.is_empty(),
        "model against kernel:\n{compared}"
    );
}

fn hold(who: &str, expected: &Counters, actual: &Counters) {
    for table in &expected.tables {
        for chain in &table.chains {
            let place = format!("{who}: {} {}", table.name, chain.name);
            let actual = actual.chain(&table.name, &chain.name).unwrap();
            for (number, (want, got)) in (1..).zip(chain.rules.iter().zip(&actual.rules)) {
                assert_eq!(want.0, got.0, "{place} rule {number}: {}", want.1);
            }
            assert_eq!(chain.policy, actual.policy, "{place} policy");
        }
    }
}

/// A port belongs to its protocol.
#[test]
fn a_udp_datagram_is_no_match_for_a_tcp_port() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [1:28]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        [0:0] -A INPUT -p tcp -m tcp --dport 53 -j DROP
        [1:40] -A INPUT -p tcp -m tcp ! --dport 22 -j DROP
        COMMIT",
        "in eth0 udp 203.0.113.9:53 > 203.0.113.1:53
        in eth0 tcp 203.0.113.9:53 > 203.0.113.1:80 syn",
        "LG",
    );
}

/// RETURN in a built-in chain is the policy, which counts beside the rule.
#[test]
fn return_in_a_base_chain_is_the_policy() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [1:40]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A INPUT -p tcp -j RETURN
        [0:0] -A INPUT -j ACCEPT
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn",
        "G",
    );
}

/// A chain entered by goto returns to where its caller was called from: to the policy, if from a built-in chain.
#[test]
fn after_goto_the_caller_is_not_resumed() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD DROP [1:40]
        :OUTPUT ACCEPT [0:0]
        :a - [0:0]
        :b - [0:0]
        [1:40] -A INPUT -j a
        [1:40] -A INPUT -j ACCEPT
        [1:40] -A FORWARD -g b
        [0:0] -A FORWARD -j ACCEPT
        [1:40] -A a -g b
        [0:0] -A a -j DROP
        [2:80] -A b -p tcp
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:22 syn",
        "LG",
    );
}

/// nat sees what opens a connection, once.
#[test]
fn nat_chains_see_only_the_packet_that_opens_a_connection() {
    trap(
        Family::V4,
        "*nat
        :PREROUTING ACCEPT [1:40]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        [1:40] -A POSTROUTING -o eth0 -j MASQUERADE
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn seq=10
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn seq=10
        in eth0 tcp 198.51.100.5:80 > 203.0.113.1:4000 syn ack seq=50 ack=11
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 ack seq=11 ack=51",
        "EEEE",
    );
}

/// A packet that is INVALID goes its way untranslated, and no nat chain hears of it.
#[test]
fn an_invalid_packet_is_not_translated() {
    trap(
        Family::V4,
        "*nat
        :PREROUTING ACCEPT [0:0]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        [0:0] -A POSTROUTING -j MASQUERADE
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A FORWARD -m conntrack --ctstate INVALID -j ACCEPT
        [0:0] -A FORWARD -m conntrack --ctstate NEW -j DROP
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 fin ack",
        "E",
    );
}

/// A connection seen from its middle is NEW, then ESTABLISHED with the answer.
#[test]
fn a_flow_is_picked_up_from_its_middle() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [2:84] -A FORWARD -m conntrack --ctstate NEW -j ACCEPT
        [2:82] -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 ack seq=100 ack=900 len=4
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 ack seq=104 ack=900
        in eth0 tcp 198.51.100.5:80 > 10.0.0.7:4000 ack seq=900 ack=104 len=2
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 ack seq=104 ack=902",
        "EEEE",
    );
}

/// A SYN on a connection that was reset is a new connection, and has to pass the rules again.
#[test]
fn a_reused_tuple_meets_the_rules_again() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [3:120]
        [2:80] -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
        [2:80] -A INPUT -m conntrack --ctstate NEW -j ACCEPT
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn seq=10
        out tcp 203.0.113.1:22 > 203.0.113.9:4000 syn ack seq=70 ack=11
        in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 ack seq=11 ack=71
        in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 rst seq=11
        in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn seq=5000
        out tcp 203.0.113.1:22 > 203.0.113.9:4000 syn ack seq=9000 ack=5001
        out tcp 203.0.113.1:22 > 203.0.113.9:4000 syn ack seq=9000 ack=5001",
        "LELLLEE",
    );
}

/// An ICMP error belongs to the connection that its quote names, and is translated inside and out.
#[test]
fn an_icmp_error_about_a_translated_flow_is_related() {
    trap(
        Family::V4,
        "*nat
        :PREROUTING ACCEPT [2:96]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        [1:40] -A POSTROUTING -o eth0 -j SNAT --to-source 203.0.113.1
        COMMIT
        *filter
        :INPUT DROP [1:56]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:68] -A FORWARD -d 10.0.0.7/32 -m conntrack --ctstate RELATED -j ACCEPT
        [1:40] -A FORWARD -m conntrack --ctstate NEW -j ACCEPT
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn
        in eth0 icmp 198.51.100.1 > 203.0.113.1 type=3 code=1 about=tcp,203.0.113.1:4000,198.51.100.5:80
        in eth0 udp 198.51.100.1:9 > 203.0.113.1:9 len=28",
        "EEG",
    );
}

/// The quote has to name a connection, and the error to come for its sender: else it is INVALID.
#[test]
fn an_icmp_error_about_nothing_is_invalid() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD ACCEPT [1:40]
        :OUTPUT ACCEPT [0:0]
        [2:136] -A INPUT -m conntrack --ctstate INVALID -j ACCEPT
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn
        in eth0 icmp 198.51.100.1 > 203.0.113.1 type=3 code=1 about=tcp,10.0.0.7:4000,198.51.100.5:80
        in eth0 icmp 198.51.100.1 > 203.0.113.1 type=3 code=1 about=tcp,203.0.113.1:9,198.51.100.5:80",
        "ELL",
    );
}

/// Neighbour discovery is never tracked: neither NEW nor INVALID.
#[test]
fn a_neighbour_advertisement_is_untracked() {
    trap(
        Family::V6,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [0:0] -A INPUT -m conntrack --ctstate INVALID,NEW,RELATED,ESTABLISHED
        [1:68] -A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT
        COMMIT",
        "in eth0 icmpv6 2001:db8::9 > 2001:db8::1 type=136 len=20",
        "L",
    );
}

/// A list of states is an OR and is negated as a whole; SNAT and DNAT are states among them.
#[test]
fn a_list_of_states_is_negated_as_a_whole() {
    trap(
        Family::V4,
        "*nat
        :PREROUTING ACCEPT [1:40]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [1:40]
        [1:40] -A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.7:8080
        COMMIT
        *filter
        :INPUT DROP [0:0]
        :FORWARD DROP [1:40]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A FORWARD -m conntrack ! --ctstate ESTABLISHED,DNAT -j ACCEPT
        [1:40] -A FORWARD -m conntrack --ctstate NEW,DNAT
        [0:0] -A FORWARD -m conntrack --ctstate SNAT
        COMMIT",
        "in eth0 tcp 198.51.100.5:4000 > 203.0.113.1:80 syn
        in eth0 tcp 198.51.100.5:4000 > 10.0.0.7:443 syn",
        "GE",
    );
}

/// A packet without a connection matches by its state alone: what else the match asks is not looked at, and without a
/// state asked for it matches nothing, not even negated.
#[test]
fn an_invalid_packet_is_asked_for_its_state_only() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [0:0] -A INPUT -m conntrack --ctproto 6
        [0:0] -A INPUT -m conntrack ! --ctproto 17
        [0:0] -A INPUT -m connmark ! --mark 0x1
        [0:0] -A INPUT -m connmark --mark 0x0
        [1:40] -A INPUT -m conntrack --ctstate INVALID --ctproto 99 -j ACCEPT
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 fin",
        "L",
    );
}

/// No rule asks for connections: fragments come one by one, and a later one has no ports to match or to negate.
#[test]
fn a_later_fragment_has_no_ports() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:28] -A FORWARD -f
        [1:44] -A FORWARD ! -f
        [1:44] -A FORWARD -p udp -m udp --dport 9
        [0:0] -A FORWARD -p udp -m udp ! --dport 9
        [0:0] -A FORWARD -p udp -m multiport ! --dports 9
        [2:72] -A FORWARD -p udp -j ACCEPT
        COMMIT",
        "in eth1 udp 10.0.0.7:5 > 198.51.100.5:9 id=7 frag=0+ len=16
        in eth1 udp 10.0.0.7:5 > 198.51.100.5:9 id=7 frag=24",
        "EE",
    );
}

/// With a rule that asks for connections the same fragments are one packet before any table sees them.
#[test]
fn tracking_reassembles_before_any_table() {
    trap(
        Family::V4,
        "*raw
        :PREROUTING ACCEPT [1:52]
        :OUTPUT ACCEPT [0:0]
        [0:0] -A PREROUTING -f
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:52] -A FORWARD -m conntrack --ctstate NEW -j ACCEPT
        COMMIT",
        "in eth1 udp 10.0.0.7:5 > 198.51.100.5:9 id=7 frag=24
        in eth1 udp 10.0.0.7:5 > 198.51.100.5:9 id=7 frag=0+ len=16 nosum",
        "GE",
    );
}

/// `! -s 0.0.0.0/0` is nobody; a mask may have holes.
#[test]
fn everybody_negated_is_nobody() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [0:0] -A INPUT ! -s 0.0.0.0/0
        [1:40] -A INPUT -s 203.0.0.9/255.0.0.255
        [1:40] -A INPUT -s 0.0.0.0/0 -j ACCEPT
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn",
        "L",
    );
}

/// `+` is a prefix at the end of a name only; a missing device is the empty name, which `+` matches.
#[test]
fn a_missing_device_has_the_empty_name() {
    trap(
        Family::V4,
        "*mangle
        :PREROUTING ACCEPT [1:40]
        :INPUT ACCEPT [1:40]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [0:0]
        :a - [0:0]
        [1:40] -A PREROUTING -i eth+
        [1:40] -A PREROUTING -i e+
        [0:0] -A PREROUTING -i eth0++
        [1:40] -A PREROUTING -j a
        [1:40] -A a -o +
        [0:0] -A a -o eth0
        [1:40] -A a ! -o eth0
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn",
        "L",
    );
}

/// A rule without a target counts and does nothing.
#[test]
fn a_rule_needs_no_target() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [1:40]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A INPUT
        [1:40] -A INPUT -m comment --comment \"counts\"
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn",
        "G",
    );
}

/// What was sent elsewhere by DNAT is forwarded, with the port it has by then.
#[test]
fn dnat_sends_to_forward_with_the_new_port() {
    trap(
        Family::V4,
        "*nat
        :PREROUTING ACCEPT [0:0]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        :POSTROUTING ACCEPT [1:40]
        [1:40] -A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.7:8080
        COMMIT
        *filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [0:0] -A INPUT -p tcp -m tcp --dport 80 -j ACCEPT
        [0:0] -A FORWARD -p tcp -m tcp --dport 80 -j ACCEPT
        [1:40] -A FORWARD -p tcp -m conntrack --ctorigdstport 80
        [1:40] -A FORWARD -d 10.0.0.7/32 -p tcp -m tcp --dport 8080 -j ACCEPT
        COMMIT",
        "in eth0 tcp 198.51.100.5:4000 > 203.0.113.1:80 syn",
        "E",
    );
}

/// A header that cannot be read drops the packet in its table at once: no rule and no policy counts it.
#[test]
fn a_short_header_is_dropped_without_a_counter() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [1:30]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [2:60] -A INPUT -p tcp
        [0:0] -A INPUT -s 203.0.113.9/32 -p tcp -m tcp ! --dport 22
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn cut=10
        in eth0 tcp 203.0.113.8:4000 > 203.0.113.1:22 syn cut=10",
        "GL",
    );
}

/// Looped back, a first packet is still NEW when it comes in, and PREROUTING's nat chain has nothing to say.
#[test]
fn a_looped_packet_keeps_its_connection() {
    trap(
        Family::V4,
        "*nat
        :PREROUTING ACCEPT [0:0]
        :INPUT ACCEPT [0:0]
        :OUTPUT ACCEPT [1:40]
        :POSTROUTING ACCEPT [1:40]
        [0:0] -A PREROUTING -j DNAT --to-destination 10.0.0.7
        COMMIT
        *filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [1:40]
        [1:40] -A INPUT -i lo -m conntrack --ctstate NEW -j ACCEPT
        COMMIT",
        "out tcp 127.0.0.1:4000 > 127.0.0.1:80 syn",
        "L",
    );
}

/// Forwarding takes one from the TTL before FORWARD and gives up at one; a rule that sets it comes too late or too soon.
#[test]
fn forwarding_counts_down_before_forward() {
    trap(
        Family::V4,
        "*mangle
        :PREROUTING ACCEPT [2:80]
        :INPUT ACCEPT [0:0]
        :FORWARD ACCEPT [1:40]
        :OUTPUT ACCEPT [1:68]
        :POSTROUTING ACCEPT [2:108]
        [1:40] -A PREROUTING -m ttl --ttl-eq 2
        [1:40] -A PREROUTING -m ttl --ttl-lt 2
        [1:40] -A FORWARD -m ttl --ttl-eq 1
        [1:40] -A FORWARD -m ttl --ttl-eq 1 -j TTL --ttl-set 64
        [2:108] -A POSTROUTING -m ttl --ttl-eq 64
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:22 syn ttl=2
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:22 syn ttl=1",
        "EG",
    );
}

/// Nobody listens: the packet is dropped, or with bypass goes on behind the table, not behind the rule.
#[test]
fn a_queue_without_a_listener() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A INPUT -p tcp -m tcp --dport 22 -j NFQUEUE --queue-num 3 --queue-bypass
        [1:40] -A INPUT -j NFQUEUE --queue-num 3
        [0:0] -A INPUT -j DROP
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:80 syn",
        "LG",
    );
}

/// An answer that nobody asked for is INVALID; so is a RST for no connection.
#[test]
fn answers_without_a_question_are_invalid() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [3:108] -A INPUT -m conntrack --ctstate INVALID -j DROP
        COMMIT",
        "in eth0 icmp 203.0.113.9 > 203.0.113.1 type=0
        in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 rst
        in eth0 tcp 203.0.113.9:80 > 203.0.113.1:4000 syn ack",
        "GGG",
    );
}

/// A wrong checksum makes a packet INVALID, and INVALID alone does not stop it.
#[test]
fn a_bad_checksum_is_invalid_not_dropped() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [2:68]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [2:68] -A INPUT -m conntrack --ctstate INVALID
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn badsum
        in eth0 icmp 203.0.113.9 > 203.0.113.1 badsum",
        "LL",
    );
}

/// `any` matches every type; negated it matches none. A code belongs to its type.
#[test]
fn icmp_types_are_negated_with_their_codes() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [1:28]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:28] -A INPUT -p icmp -m icmp --icmp-type any
        [0:0] -A INPUT -p icmp -m icmp ! --icmp-type any
        [1:28] -A INPUT -p icmp -m icmp ! --icmp-type 8/1
        [0:0] -A INPUT -p icmp -m icmp --icmp-type 8/1
        [1:28] -A INPUT -p icmp -m icmp --icmp-type 8
        COMMIT",
        "in eth0 icmp 203.0.113.9 > 203.0.113.1",
        "L",
    );
}

/// The packet that does not fit any more empties the quota.
#[test]
fn a_quota_ends_with_the_packet_that_does_not_fit() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [2:128]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A INPUT -m quota --quota 100 -j ACCEPT
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn
        in eth0 udp 203.0.113.9:4000 > 203.0.113.1:22 len=60
        in eth0 tcp 203.0.113.9:4001 > 203.0.113.1:22 syn",
        "LGG",
    );
}

/// Reading beyond the packet is false before it is negated.
#[test]
fn u32_beyond_the_packet_is_false() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [1:40]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [0:0] -A INPUT -m u32 --u32 \"0x28=0x0:0xffffffff\"
        [1:40] -A INPUT -m u32 ! --u32 \"0x28=0x0:0xffffffff\"
        [1:40] -A INPUT -m u32 --u32 \"0x6&0xff=0x6\"
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn",
        "G",
    );
}

/// A pattern has to lie whole between `--from` and `--to`.
#[test]
fn a_string_lies_whole_in_its_range() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [1:33]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:33] -A INPUT -m string --string \"hello\" --algo bm --from 28 --to 33
        [0:0] -A INPUT -m string --string \"hello\" --algo bm --from 29
        [0:0] -A INPUT -m string --string \"hello\" --algo kmp --to 32
        [1:33] -A INPUT -m string ! --string \"HELLO\" --algo kmp
        COMMIT",
        "in eth0 udp 203.0.113.9:4000 > 203.0.113.1:22 data=hello",
        "G",
    );
}

/// The rule that stamps counts itself: the third packet is the third hit.
#[test]
fn recent_counts_the_packet_that_it_stamps() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [2:80]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A INPUT -m recent --update --seconds 60 --hitcount 2 --name x --mask 255.255.255.255 --rsource -j DROP
        [2:80] -A INPUT -m recent --set --name x --mask 255.255.255.255 --rsource
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4001 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4002 > 203.0.113.1:22 syn",
        "LLG",
    );
}

/// `--every 3 --packet 1` hits the second of each three.
#[test]
fn statistic_counts_from_its_packet() {
    trap(
        Family::V4,
        "*filter
        :INPUT ACCEPT [3:120]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [2:80] -A INPUT -m statistic --mode nth --every 3 --packet 1 -j DROP
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4001 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4002 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4003 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4004 > 203.0.113.1:22 syn",
        "LGLLG",
    );
}

/// A full bucket lets the burst pass, whatever the rate.
#[test]
fn a_limit_begins_with_its_burst() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [1:40]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [2:80] -A INPUT -m limit --limit 1/hour --limit-burst 2 -j ACCEPT
        COMMIT",
        "in eth0 tcp 203.0.113.9:4000 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4001 > 203.0.113.1:22 syn
        in eth0 tcp 203.0.113.9:4002 > 203.0.113.1:22 syn",
        "LLG",
    );
}

/// A frame for another host is seen by no table, one for everyone by PREROUTING, but it is not forwarded.
#[test]
fn the_link_layers_address_decides_before_any_rule() {
    trap(
        Family::V4,
        "*raw
        :PREROUTING ACCEPT [2:80]
        :OUTPUT ACCEPT [0:0]
        [1:40] -A PREROUTING -m pkttype --pkt-type broadcast
        [1:40] -A PREROUTING -m pkttype --pkt-type multicast
        COMMIT
        *filter
        :INPUT ACCEPT [0:0]
        :FORWARD ACCEPT [0:0]
        :OUTPUT ACCEPT [0:0]
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn mac=02:00:00:00:00:77
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn mac=ff:ff:ff:ff:ff:ff
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn mac=01:00:5e:00:00:01",
        "GGG",
    );
}

/// An entry is gone when its first answer resets it; the SYN that follows is NEW.
#[test]
fn a_refused_connection_leaves_no_entry() {
    trap(
        Family::V4,
        "*filter
        :INPUT DROP [0:0]
        :FORWARD DROP [0:0]
        :OUTPUT ACCEPT [0:0]
        [2:80] -A FORWARD -m conntrack --ctstate NEW -j ACCEPT
        [1:40] -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
        COMMIT",
        "in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn seq=10
        in eth0 tcp 198.51.100.5:80 > 10.0.0.7:4000 rst ack seq=0 ack=11
        in eth1 tcp 10.0.0.7:4000 > 198.51.100.5:80 syn seq=10",
        "EEE",
    );
}
