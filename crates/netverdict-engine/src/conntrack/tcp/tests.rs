//! TCP connections through the tracker.

use crate::CtState::{Established, Invalid, New};
use crate::conntrack::lab::{ACK, FIN, Lab, RST, SYN, tcp};
use crate::conntrack::{Status, TcpState};

/// SYN 100, SYN/ACK 500, ACK.
fn handshake(lab: &mut Lab) {
    assert_eq!(lab.state(tcp(SYN, 100, 0).out()), New);
    assert_eq!(lab.state(tcp(SYN | ACK, 500, 101).back()), Established);
    assert_eq!(lab.state(tcp(ACK, 101, 501).out()), Established);
}

#[test]
fn a_connection_from_handshake_to_time_wait() {
    let mut lab = Lab::new();
    lab.pass(tcp(SYN, 100, 0).out());
    assert_eq!(lab.first(), (1, Some("SYN_SENT"), 120));
    lab.pass(tcp(SYN | ACK, 500, 101).back());
    assert_eq!(lab.first(), (1, Some("SYN_RECV"), 60));
    lab.pass(tcp(ACK, 101, 501).out());
    assert_eq!(lab.first(), (1, Some("ESTABLISHED"), 432_000));
    let (_, entry) = lab.conntrack.table.confirmed()[0];
    assert!(entry.status.contains(Status::ASSURED | Status::SEEN_REPLY));
    lab.pass(tcp(FIN | ACK, 101, 501).out());
    assert_eq!(lab.first(), (1, Some("FIN_WAIT"), 120));
    lab.pass(tcp(ACK, 501, 102).back());
    assert_eq!(lab.first(), (1, Some("CLOSE_WAIT"), 60));
    lab.pass(tcp(FIN | ACK, 501, 102).back());
    assert_eq!(lab.first(), (1, Some("LAST_ACK"), 30));
    lab.pass(tcp(ACK, 102, 502).out());
    assert_eq!(lab.first(), (1, Some("TIME_WAIT"), 120));
}

#[test]
fn only_a_syn_or_an_ack_opens() {
    for flags in [
        0,
        FIN,
        FIN | ACK,
        RST,
        RST | ACK,
        SYN | ACK,
        SYN | FIN,
        SYN | RST,
        0x29,
    ] {
        let mut lab = Lab::new();
        assert_eq!(lab.state(tcp(flags, 1, 1).out()), Invalid, "{flags:#x}");
        assert_eq!(lab.first().0, 0);
    }
}

/// Most captures begin in mid-stream.
#[test]
fn a_connection_is_picked_up_midway_unless_loose_is_off() {
    let mut lab = Lab::new();
    assert_eq!(lab.state(tcp(ACK, 100, 500).out()), New);
    assert_eq!(lab.first(), (1, Some("ESTABLISHED"), 300));
    assert_eq!(lab.state(tcp(ACK, 500, 100).back()), Established);
    assert_eq!(lab.first(), (1, Some("ESTABLISHED"), 300));
    assert_eq!(lab.state(tcp(ACK, 100, 500).out()), Established);
    assert_eq!(lab.first(), (1, Some("ESTABLISHED"), 432_000));
    let mut strict = Lab::with("tcp_loose", 0);
    let passed = strict.pass(tcp(ACK, 100, 500).out());
    assert_eq!(passed.state, Invalid);
    assert_eq!(passed.why, Some("mid-stream packet, and tcp_loose is off"));
}

#[test]
fn data_outside_the_window_is_invalid_unless_liberal() {
    let mut lab = Lab::new();
    handshake(&mut lab);
    let far = lab.pass(tcp(ACK, 10_000_000, 501).out());
    assert_eq!(far.state, Invalid);
    assert_eq!(
        far.why,
        Some("sequence number beyond the receiver's window")
    );
    let ahead = lab.pass(tcp(ACK, 101, 900_000).out());
    assert_eq!(ahead.why, Some("acknowledges data not seen"));
    let mut liberal = Lab::with("tcp_be_liberal", 1);
    handshake(&mut liberal);
    assert_eq!(liberal.state(tcp(ACK, 10_000_000, 501).out()), Established);
}

#[test]
fn an_old_segment_stays_with_its_connection_but_renews_nothing() {
    let mut lab = Lab::new();
    handshake(&mut lab);
    lab.wait(10_000);
    let old = lab.pass(tcp(ACK, 101_u32.wrapping_sub(100_000), 501).out());
    assert_eq!(old.state, Established);
    assert_eq!(old.why, Some("data already acknowledged"));
    assert_eq!(lab.first().2, 431_990);
}

/// The selftest conntrack_tcp_unreplied: a RST as the only answer ends the entry.
#[test]
fn a_reset_as_first_answer_ends_the_connection() {
    let mut lab = Lab::new();
    lab.pass(tcp(SYN, 100, 0).out());
    assert_eq!(lab.state(tcp(RST | ACK, 0, 101).back()), Established);
    assert_eq!(lab.first().0, 0);
}

#[test]
fn a_repeated_syn_does_not_renew() {
    let mut lab = Lab::new();
    lab.pass(tcp(SYN, 100, 0).out());
    lab.wait(50_000);
    assert_eq!(lab.state(tcp(SYN, 100, 0).out()), New);
    assert_eq!(lab.first(), (1, Some("SYN_SENT"), 70));
    lab.wait(70_000);
    assert_eq!(lab.first().0, 0, "expired to the tick");
}

/// packetdrill conntrack_rst_invalid and conntrack_inexact_rst.
#[test]
fn resets_are_held_against_the_acknowledged_sequence() {
    let mut lab = Lab::new();
    handshake(&mut lab);
    assert_eq!(lab.state(tcp(RST, 50, 0).out()), Invalid);
    assert_eq!(lab.state(tcp(RST, 150, 0).out()), Established);
    assert_eq!(
        lab.first(),
        (1, Some("ESTABLISHED"), 10),
        "inexact: a challenge ACK may follow"
    );
    assert_eq!(lab.state(tcp(ACK, 101, 501).out()), Established);
    assert_eq!(lab.state(tcp(RST, 101, 0).out()), Established);
    assert_eq!(lab.first(), (1, Some("CLOSE"), 10));
}

/// Tuple reuse: a SYN on a closed connection opens a new one, which meets the rules again.
#[test]
fn a_syn_reopens_a_closed_connection() {
    let mut lab = Lab::new();
    handshake(&mut lab);
    for packet in [
        tcp(FIN | ACK, 101, 501).out(),
        tcp(FIN | ACK, 501, 102).back(),
        tcp(ACK, 102, 502).out(),
    ] {
        lab.pass(packet);
    }
    assert_eq!(lab.first().1, Some("TIME_WAIT"));
    let reopened = lab.pass(tcp(SYN, 90_000, 0).out());
    assert_eq!(reopened.state, New);
    assert_eq!(reopened.asked, [true, true], "nat is asked again");
    assert_eq!(lab.first(), (1, Some("SYN_SENT"), 120));
}

/// packetdrill conntrack_syn_challenge_ack: both ends agree on a new connection that tracking ignored.
#[test]
fn tracking_catches_up_with_an_ignored_syn() {
    let mut lab = Lab::new();
    handshake(&mut lab);
    let ignored = lab.pass(tcp(SYN, 7_000_000, 0).out());
    assert_eq!(ignored.state, Established);
    assert_eq!(lab.first().1, Some("ESTABLISHED"));
    lab.pass(tcp(SYN | ACK, 9_000_000, 7_000_001).back());
    assert_eq!(lab.first().1, Some("SYN_RECV"));
    assert_eq!(lab.state(tcp(ACK, 7_000_001, 9_000_001).out()), Established);
    assert_eq!(lab.first().1, Some("ESTABLISHED"));
}

#[test]
fn simultaneous_open() {
    let mut lab = Lab::new();
    lab.pass(tcp(SYN, 100, 0).out());
    lab.pass(tcp(SYN, 500, 0).back());
    assert_eq!(lab.first().1, Some("SYN_SENT2"));
    lab.pass(tcp(SYN | ACK, 100, 501).out());
    assert_eq!(lab.first().1, Some("SYN_RECV"));
    lab.pass(tcp(ACK, 501, 101).back());
    assert_eq!(lab.first().1, Some("ESTABLISHED"));
}

#[test]
fn three_retransmissions_shorten_the_timeout() {
    let mut lab = Lab::new();
    handshake(&mut lab);
    for _ in 0..4 {
        lab.pass(tcp(ACK, 101, 501).out());
    }
    assert_eq!(lab.first().2, 300);
}

#[test]
fn a_bad_checksum_is_invalid_at_prerouting_unless_switched_off() {
    let mut broken = tcp(SYN, 100, 0).out();
    broken[36] ^= 1;
    assert_eq!(Lab::new().pass(broken.clone()).why, Some("bad checksum"));
    assert_eq!(Lab::with("checksum", 0).state(broken), New);
}

#[test]
fn names_are_conntracks() {
    assert_eq!(TcpState::SynSent2.to_string(), "SYN_SENT2");
    assert!(TcpState::ALL.is_sorted());
}
