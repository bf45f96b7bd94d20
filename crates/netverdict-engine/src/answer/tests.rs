//! Answers compared with a kernel's, byte for byte.

use netverdict_host::Host;
use netverdict_net::Family;
use netverdict_ruleset::TableKind;

use crate::Config;
use crate::testing::{Bench, device, dump, router_facts, seal_v4};

const V4: &str = "*filter
-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p udp -m udp --dport 2 -j REJECT --reject-with icmp-host-prohibited
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -p udp -m udp --dport 3 -j REJECT --reject-with icmp-admin-prohibited
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
COMMIT
";

const V6: &str = "*filter
-A INPUT -p udp -m udp --dport 1 -j REJECT --reject-with icmp6-port-unreachable
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -p udp -j REJECT --reject-with icmp6-adm-prohibited
COMMIT
";

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}

/// Without what the kernel draws: IPv4's id, IPv6's flow label.
fn determined(mut packet: Vec<u8>) -> Vec<u8> {
    if packet[0] >> 4 == 4 {
        packet[4..6].copy_from_slice(&[0, 0]);
        seal_v4(&mut packet);
    } else {
        packet[1] &= 0xf0;
        packet[2..4].copy_from_slice(&[0, 0]);
    }
    packet
}

#[test]
fn answers_are_the_kernels() {
    let mut facts = router_facts();
    facts.interfaces[2].mtu = 1400;
    let host = Host::new(facts);
    let recorded = include_str!("../../testdata/answers.txt");
    let mut compared = 0;
    for line in recorded.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let [name, packet, answer] = words[..] else {
            panic!("{line}");
        };
        let (packet, answer) = (bytes(packet), bytes(answer));
        let rules = match packet[0] >> 4 {
            4 => dump(Family::V4, V4),
            _ => dump(Family::V6, V6),
        };
        let mut bench = Bench::on(rules, &Config::default(), &host);
        let outcome = bench.receive(device("eth0"), &packet);
        let emitted = outcome
            .emitted
            .first()
            .map(|e| e.packet.captured().to_vec());
        assert_eq!(emitted.map(determined), Some(determined(answer)), "{name}");
        compared += 1;
    }
    assert_eq!(compared, 14);
}

const COUNTED: &str = "*raw
-A OUTPUT -p icmp
-A OUTPUT -p tcp
COMMIT
*mangle
-A POSTROUTING -p icmp
-A POSTROUTING -p tcp
COMMIT
*nat
-A OUTPUT -j ACCEPT
-A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
*filter
-A OUTPUT -p icmp -m conntrack --ctstate RELATED
-A OUTPUT -p tcp -m conntrack --ctstate RELATED
";

/// What the recorded packets' answers counted on their own way out, as the kernel counted.
#[test]
fn answers_count_on_their_way_out() {
    let mut facts = router_facts();
    facts.interfaces[2].mtu = 1400;
    let rules = V4.replacen("*filter\n", COUNTED, 1);
    let config = Config::default();
    let mut bench = Bench::on(dump(Family::V4, &rules), &config, &Host::new(facts));
    let recorded = include_str!("../../testdata/answers.txt");
    for line in recorded.lines().filter(|line| !line.starts_with('#')) {
        let packet = line.split(' ').nth(1).map(bytes).unwrap();
        if packet[0] >> 4 == 4 {
            bench.receive(device("eth0"), &packet);
        }
    }
    let (icmp, tcp) = ((5, 1332), (3, 120));
    for (table, chain, counted) in [
        (TableKind::Raw, "OUTPUT", [icmp, tcp]),
        (TableKind::Filter, "OUTPUT", [icmp, tcp]),
        (TableKind::Mangle, "POSTROUTING", [icmp, tcp]),
        (TableKind::Nat, "OUTPUT", [(0, 0), (0, 0)]),
        (TableKind::Nat, "POSTROUTING", [(0, 0), (0, 0)]),
    ] {
        let seen = [0, 1].map(|n| match (table, n) {
            (TableKind::Nat, 1) => (0, 0),
            _ => bench.count(table, chain, n + 1),
        });
        assert_eq!(seen, counted, "{table} {chain}");
    }
}
