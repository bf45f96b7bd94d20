use std::fs;

use netverdict_capture::{Direction, FrameOut, InterfaceOut, LinkType, PcapngWriter};
use netverdict_forge::wire::{Ip, Layer4, packet};
use netverdict_net::Timestamp;
use serde_json::Value;

use crate::common::Netverdict;

use Way::{In, Own, Through};

const FORWARDS: &str =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";
const STOPS: &str =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";
const TRANSLATES: &str = "*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -o eth1 -j SNAT --to-source 198.51.100.1\nCOMMIT\n";

/// Between eth0, eth1 and eth2.
const ROUTER: [&str; 8] = [
    "--local",
    "192.0.2.1/24@eth0",
    "--local",
    "198.51.100.1/24@eth1",
    "--local",
    "203.0.113.1/24@eth2",
    "--set",
    "net.ipv4.ip_forward=1",
];

/// How a datagram passes a tap.
#[derive(Clone, Copy)]
enum Way {
    In,
    /// Out, a hop further than it came in.
    Through,
    /// Out, as the router's own.
    Own,
}

/// One datagram at a tap: milliseconds, the number of the interface, its way, its ends, its IP id.
struct Shot(u32, u32, Way, &'static str, &'static str, u16);

impl Shot {
    fn bytes(&self) -> Vec<u8> {
        let Self(_, _, way, source, destination, id) = *self;
        let ends = |text: &str| {
            let (address, port) = text.split_once(':').unwrap();
            (address.parse().unwrap(), port.parse().unwrap())
        };
        let ((source, source_port), (destination, destination_port)) =
            (ends(source), ends(destination));
        let ttl = if matches!(way, Through) { 63 } else { 64 };
        let datagram = Layer4::Udp {
            source_port,
            destination_port,
            payload: id.to_be_bytes().repeat(8),
        };
        packet(Ip::new(source, destination).ttl(ttl).id(id), &datagram)
    }
}

fn write(path: &std::path::Path, shots: &[Shot]) {
    let mut writer = PcapngWriter::new(fs::File::create(path).unwrap(), "tests").unwrap();
    for name in ["eth0", "eth1", "eth2"] {
        let interface = InterfaceOut::new(Some(name), LinkType::RAW);
        writer.interface(&interface).unwrap();
    }
    for shot in shots {
        let bytes = shot.bytes();
        let time = Timestamp::new(
            1_772_438_400 + i64::from(shot.0 / 1000),
            shot.0 % 1000 * 1_000_000,
        );
        let frame = FrameOut {
            direction: Some(match shot.2 {
                In => Direction::In,
                Through | Own => Direction::Out,
            }),
            ..FrameOut::new(time, &bytes)
        };
        writer.write(shot.1, &frame).unwrap();
    }
    std::io::Write::flush(&mut writer.finish()).unwrap();
}

/// What the capture contradicts: id, title and the packets that show it.
fn audit(rules: &str, shots: &[Shot]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (dump, capture) = (
        folder.path().join("host.rules"),
        folder.path().join("c.pcapng"),
    );
    fs::write(&dump, rules).unwrap();
    write(&capture, shots);
    let run = Netverdict::new([
        "audit",
        "--no-config",
        "--fail-on",
        "never",
        "--format",
        "json",
    ]);
    let document = run.args([&dump, &capture]).args(ROUTER).json();
    let said = |finding: &Value| {
        let words = |value: &Value| value.as_str().unwrap().to_owned();
        let witnesses = finding["witnesses"].as_array().unwrap().iter();
        let witnesses = witnesses.map(|w| format!("\n  {} {}", w["n"], words(&w["what"])));
        let witnesses = witnesses
            .collect::<String>()
            .replace(capture.to_str().unwrap(), "c.pcapng");
        format!(
            "{} {}{witnesses}",
            words(&finding["id"]),
            words(&finding["title"])
        )
    };
    let findings = document["findings"].as_array().unwrap().iter();
    let contradictions =
        findings.filter(|f| f["id"].as_str().is_some_and(|id| id.starts_with("NV3")));
    contradictions.map(said).collect()
}

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_copy_of_what_the_rules_stop_is_shown_beside_it() {
    let shots = [
        Shot(0, 0, In, "192.0.2.9:4000", "198.51.100.9:53", 1),
        Shot(1, 1, Through, "192.0.2.9:4000", "198.51.100.9:53", 1),
    ];
    assert_eq!(audit(FORWARDS, &shots), nothing());
    insta::assert_snapshot!(audit(STOPS, &shots).join("\n"), @r"
    NV302 1 packet stopped here, but seen leaving
      1 udp 192.0.2.9:4000 > 198.51.100.9:53: came in: DROP
      2 udp 192.0.2.9:4000 > 198.51.100.9:53: left
    ");
}

#[test]
fn what_never_leaves_is_told_where_others_leave_before_and_after() {
    let others = |at| {
        [
            Shot(at, 0, In, "192.0.2.9:4000", "198.51.100.9:53", 1),
            Shot(at + 1, 1, Through, "192.0.2.9:4000", "198.51.100.9:53", 1),
        ]
    };
    let lost = |at, id| Shot(at, 0, In, "192.0.2.8:4000", "198.51.100.9:53", id);
    let told: Vec<Shot> = others(0)
        .into_iter()
        .chain([lost(100, 2), lost(200, 3)])
        .chain(others(3000))
        .collect();
    insta::assert_snapshot!(audit(FORWARDS, &told).join("\n"), @r"
    NV303 2 packets forwarded here, but never seen leaving
      3 udp 192.0.2.8:4000 > 198.51.100.9:53: first of 2, none seen leaving by eth1
    ");
    // One packet may be lost on any wire.
    let one: Vec<Shot> = others(0)
        .into_iter()
        .chain([lost(100, 2)])
        .chain(others(3000))
        .collect();
    assert_eq!(audit(FORWARDS, &one), nothing());
    // Nobody waited for them.
    let end: Vec<Shot> = others(0)
        .into_iter()
        .chain([lost(100, 2), lost(200, 3)])
        .chain(others(300))
        .collect();
    assert_eq!(audit(FORWARDS, &end), nothing());
    // Nothing is seen leaving at all: there is no tap.
    assert_eq!(
        audit(FORWARDS, &[lost(100, 2), lost(200, 3), lost(9000, 4)]),
        nothing()
    );
}

#[test]
fn another_address_is_told_and_another_drawn_port_is_not() {
    let as_source = |source| {
        [
            Shot(0, 0, In, "192.0.2.9:4000", "198.51.100.9:53", 1),
            Shot(1, 1, Through, source, "198.51.100.9:53", 1),
        ]
    };
    assert_eq!(
        audit(TRANSLATES, &as_source("198.51.100.1:4000")),
        nothing()
    );
    assert_eq!(
        audit(TRANSLATES, &as_source("198.51.100.1:61234")),
        nothing()
    );
    insta::assert_snapshot!(audit(TRANSLATES, &as_source("198.51.100.2:4000")).join("\n"), @r"
    NV304 1 packet left translated otherwise than by these rules
      2 udp 198.51.100.2:4000 > 198.51.100.9:53: frame 1 of c.pcapng, predicted to leave as 198.51.100.1:4000 > 198.51.100.9:53, seen as 198.51.100.2:4000 > 198.51.100.9:53
    ");
}

#[test]
fn another_interface_is_told() {
    let shots = [
        Shot(0, 0, In, "192.0.2.9:4000", "198.51.100.9:53", 1),
        Shot(1, 2, Through, "192.0.2.9:4000", "198.51.100.9:53", 1),
    ];
    insta::assert_snapshot!(audit(FORWARDS, &shots).join("\n"), @r"
    NV305 1 packet left by another interface than the routes say
      2 udp 192.0.2.9:4000 > 198.51.100.9:53: frame 1 of c.pcapng, predicted to leave by eth1, seen on eth2
    ");
}

/// An answer of the router's own that looks like the packet that it follows.
#[test]
fn what_the_router_says_itself_is_no_copy() {
    let after = |way| {
        [
            Shot(0, 1, In, "198.51.100.9:53", "192.0.2.9:4000", 1),
            Shot(1, 0, way, "192.0.2.1:53", "192.0.2.9:4000", 1),
        ]
    };
    assert_eq!(audit(STOPS, &after(Own)), nothing());
    assert_eq!(audit(STOPS, &after(Through)).len(), 1);
}

/// What is for many hosts is repeated by daemons and bridges, and comes back to its own sender.
#[test]
fn copies_of_what_is_for_many_contradict_nothing() {
    for to in ["224.0.0.251:5353", "255.255.255.255:67"] {
        let reflected = [
            Shot(0, 0, In, "192.0.2.9:4000", to, 1),
            Shot(1, 1, Through, "192.0.2.9:4000", to, 1),
            Shot(2, 2, Through, "192.0.2.9:4000", to, 1),
        ];
        let looped = [
            Shot(0, 0, Own, "192.0.2.1:4000", to, 1),
            Shot(1, 0, In, "192.0.2.1:4000", to, 1),
            Shot(2, 1, Own, "192.0.2.1:4000", to, 1),
        ];
        for rules in [FORWARDS, STOPS, TRANSLATES] {
            assert_eq!(
                audit(rules, &reflected),
                nothing(),
                "{to} reflected: {rules}"
            );
            assert_eq!(audit(rules, &looped), nothing(), "{to} looped: {rules}");
        }
    }
}
