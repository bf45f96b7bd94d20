//! When a remembered path is taken, and when it is not.

use netverdict_net::{Family, Jiffies, Link, Packet, Timestamp};
use netverdict_ruleset::TableKind;

use super::Shortcut;
use crate::context::Now;
use crate::testing::{Bench, device, dump, udp_packet};
use crate::{Entry, Input};

const INSIDE: &str = "10.0.0.9";
const OUTSIDE: &str = "198.51.100.7";

fn bench(rule: &str) -> Bench {
    let text = format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rule}\n-A FORWARD -m conntrack \
         --ctstate NEW\nCOMMIT\n"
    );
    Bench::new(dump(Family::V4, &text))
}

fn request() -> Vec<u8> {
    udp_packet(INSIDE, OUTSIDE, (4000, 53), b"who")
}

/// Whether a packet that would come next has a path that it may take.
fn takes_shortcut(bench: &mut Bench, bytes: &[u8]) -> bool {
    let input = Input {
        packet: Packet::new(bytes, bytes.len(), Link::default()).unwrap(),
        time: Timestamp::new(9, 0),
        entry: Entry::Prerouting {
            in_device: device("eth1"),
        },
    };
    let now = Now {
        time: input.time,
        jiffies: Jiffies(9 * 250),
    };
    matches!(
        bench.engine.shortcut(&input, crate::Sum::Unknown, now),
        Shortcut::Taken(_)
    )
}

#[test]
fn a_confirmed_connections_second_packet_shows_the_way() {
    let mut bench = bench("-A FORWARD -p tcp -m tcp --dport 80");
    bench.receive(device("eth1"), &request());
    assert!(!takes_shortcut(&mut bench, &request()));
    bench.receive(device("eth1"), &request());
    assert!(takes_shortcut(&mut bench, &request()));
    assert_eq!(bench.packets(TableKind::Filter, "FORWARD"), [0, 3, 3]);
}

#[test]
fn other_terms_are_another_path() {
    let mut bench = bench("-A FORWARD -p tcp -m tcp --dport 80");
    (0..2).for_each(|_| drop(bench.receive(device("eth1"), &request())));
    let mut other = request();
    other[1] = 0x10;
    crate::testing::seal_v4(&mut other);
    assert!(!takes_shortcut(&mut bench, &other));
    let mut last_hop = request();
    last_hop[8] = 1;
    crate::testing::seal_v4(&mut last_hop);
    assert!(!takes_shortcut(&mut bench, &last_hop));
    let mut broken = request();
    broken[10] ^= 1;
    assert!(!takes_shortcut(&mut bench, &broken));
}

#[test]
fn rules_with_a_memory_of_their_own_are_asked_each_time() {
    for rule in [
        "-A FORWARD -m limit --limit 1/sec",
        "-A FORWARD -m statistic --mode nth --every 2 --packet 0",
        "-A FORWARD -m length --length 0:100",
    ] {
        let mut bench = bench(rule);
        (0..3).for_each(|_| drop(bench.receive(device("eth1"), &request())));
        assert!(!takes_shortcut(&mut bench, &request()), "{rule}");
    }
}

#[test]
fn where_a_packet_arrived_is_told_in_registers() {
    assert_eq!(size_of::<Option<super::Arrived>>(), 8);
}
