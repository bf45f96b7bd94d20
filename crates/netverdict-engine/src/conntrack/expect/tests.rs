//! Which expectations replace, refuse and evict each other.

use super::*;
use crate::conntrack::lab::{CLIENT, Lab, SERVER, SYN, tcp};

fn end(port: u16) -> (Addr, u16) {
    (u32::from_be_bytes(CLIENT).into(), port)
}

fn new(source: Option<Addr>, port: u16) -> Expectation {
    Expectation::new(Family::V4, Protocol::TCP, source, end(port))
}

/// A lab with two connections that have a helper.
fn lab(helper: Helper) -> (Lab, [CtId; 2]) {
    let mut lab = Lab::new();
    lab.helper = Some(helper);
    for port in [1, 2] {
        lab.pass(tcp(SYN, 0, 0).between((CLIENT, port), (SERVER, 21)));
    }
    lab.helper = None;
    let ids: Vec<CtId> = lab
        .conntrack
        .table
        .confirmed()
        .into_iter()
        .map(|(id, _)| id)
        .collect();
    (lab, [ids[0], ids[1]])
}

#[test]
fn the_oldest_makes_way_and_the_same_is_replaced() {
    let (mut lab, [first, _]) = lab(Helper::Irc);
    let now = Jiffies(0);
    for port in 1..=8 {
        lab.conntrack.expect(first, new(None, port), now).unwrap();
    }
    lab.conntrack.expect(first, new(None, 8), now).unwrap();
    assert_eq!(lab.conntrack.expectations.len(), 8);
    lab.conntrack.expect(first, new(None, 9), now).unwrap();
    let ports: Vec<u16> = lab
        .conntrack
        .expectations
        .newest_first()
        .map(|waiting| waiting.tuple.destination_port)
        .collect();
    assert_eq!(ports, [9, 8, 7, 6, 5, 4, 3, 2]);
}

#[test]
fn anothers_expectation_of_the_same_packets_is_busy() {
    let (mut lab, [first, second]) = lab(Helper::Ftp);
    let now = Jiffies(0);
    lab.conntrack.expect(first, new(Some(7), 1), now).unwrap();
    assert_eq!(
        lab.conntrack.expect(second, new(Some(7), 1), now),
        Err(Refused::Busy)
    );
    assert_eq!(
        lab.conntrack.expect(second, new(None, 1), now),
        Err(Refused::Busy)
    );
    lab.conntrack.expect(second, new(Some(8), 1), now).unwrap();
    assert_eq!(lab.conntrack.expectations.len(), 2);
}

#[test]
fn nobody_waits_for_ever() {
    let (mut lab, [first, _]) = lab(Helper::Ftp);
    lab.conntrack
        .expect(first, new(None, 1), Jiffies(0))
        .unwrap();
    let tuple = Tuple {
        source: 9,
        destination: end(1).0,
        source_port: 9,
        destination_port: 1,
        protocol: Protocol::TCP,
        family: Family::V4,
    };
    assert!(
        lab.conntrack.expected(&tuple, 1, Jiffies(0)).is_none(),
        "another zone"
    );
    assert!(
        lab.conntrack
            .expected(&tuple, 0, Jiffies(300 * 250))
            .is_none()
    );
    assert_eq!(lab.conntrack.expectations.len(), 0);
}

#[test]
fn what_a_dead_connection_announced_is_forgotten() {
    let (mut lab, [first, _]) = lab(Helper::Ftp);
    lab.conntrack
        .expect(first, new(None, 1), Jiffies(0))
        .unwrap();
    lab.conntrack.kill(first);
    assert_eq!(lab.conntrack.expectations.len(), 0);
}

#[test]
fn a_checkpoint_gives_back_what_was_expected() {
    let (mut lab, [first, _]) = lab(Helper::Irc);
    lab.conntrack
        .expect(first, new(None, 1), Jiffies(0))
        .unwrap();
    lab.conntrack.checkpoint();
    lab.conntrack
        .expect(first, new(None, 2), Jiffies(0))
        .unwrap();
    lab.conntrack.rollback();
    assert_eq!(lab.conntrack.expectations.len(), 1);
}
