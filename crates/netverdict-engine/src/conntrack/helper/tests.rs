//! Helpers on payloads.

use super::*;
use crate::conntrack::{Tuple, Zone};

fn entry(protocol: Protocol) -> Entry {
    let original = Tuple {
        source: 0x0a00_0002,
        destination: 0x0a01_0002,
        source_port: 1000,
        destination_port: 21,
        protocol,
        family: Family::V4,
    };
    Entry::new(
        original,
        original.invert().unwrap(),
        Zone::default(),
        false,
        1,
    )
}

fn message<'m>(
    entry: &'m Entry,
    direction: Direction,
    sequence: u32,
    payload: &'m [u8],
) -> Message<'m> {
    Message {
        entry,
        direction,
        established: true,
        sequence,
        payload,
    }
}

fn announced(found: Found) -> (Option<Addr>, Addr, u16) {
    match found {
        Found::Announced(all) => (all[0].source, all[0].destination, all[0].port),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ftp_reads_only_what_follows_a_line() {
    let entry = entry(Protocol::TCP);
    let mut lines = ftp::Lines::default();
    let port = b"PORT 10,0,0,2,4,1\r\n";
    let mut read = |sequence, payload: &[u8]| {
        ftp::read(
            &message(&entry, Direction::Original, sequence, payload),
            &mut lines,
        )
    };
    assert_eq!(
        read(1, port),
        Found::Nothing,
        "nothing is known of what came before"
    );
    assert_eq!(
        announced(read(20, port)),
        (Some(0x0a01_0002), 0x0a00_0002, 1025)
    );
    assert_eq!(
        announced(read(20, port)),
        (Some(0x0a01_0002), 0x0a00_0002, 1025),
        "sent again"
    );
    assert_eq!(read(100, port), Found::Nothing, "a gap");
    assert_eq!(
        read(20, port),
        Found::Nothing,
        "only two line ends are remembered"
    );
}

#[test]
fn ftp_drops_halves_and_keeps_strangers_out() {
    let entry = entry(Protocol::TCP);
    let read = |direction, payload: &[u8]| {
        let mut lines = ftp::Lines::default();
        ftp::read(&message(&entry, direction, 0, b"x\n"), &mut lines);
        ftp::read(&message(&entry, direction, 2, payload), &mut lines)
    };
    use Direction::{Original, Reply};
    for partial in [
        &b"P"[..],
        b"port",
        b"PORT 10,0,0,2,4,1\n",
        b"PORT 10,0,0,2,4\r\n",
    ] {
        assert_eq!(read(Original, partial), Found::Partial, "{partial:?}");
    }
    assert_eq!(read(Original, b"PORT 10,0,0,3,4,1\r\n"), Found::Nothing);
    assert_eq!(read(Original, b"USER x\r\n"), Found::Nothing);
    assert_eq!(read(Original, b"227 (10,0,0,2,4,1)\r\n"), Found::Nothing);
    assert_eq!(
        announced(read(Original, b"EPRT |1|10.0.0.2|1025|\r\n")).2,
        1025
    );
    assert_eq!(read(Original, b"EPRT |2|fd00::2|1025|\r\n"), Found::Partial);
    assert_eq!(
        announced(read(Reply, b"227 Entering (10,1,0,2,4,1)\r\n")),
        (Some(0x0a00_0002), 0x0a01_0002, 1025)
    );
    assert_eq!(
        announced(read(Reply, b"229 Entering (|||1025|)\r\n")),
        (Some(0x0a00_0002), 0x0a01_0002, 1025)
    );
    assert_eq!(read(Reply, b"229 Entering (|||0|)\r\n"), Found::Partial);
}

#[test]
fn irc_reads_offers_of_its_own_address() {
    let entry = entry(Protocol::TCP);
    let read = |payload: &[u8]| irc::read(&message(&entry, Direction::Original, 0, payload));
    let own = 0x0a00_0002_u32;
    let offer = format!("PRIVMSG me :\x01DCC SEND file {own} 5000\x01\n");
    assert_eq!(announced(read(offer.as_bytes())), (None, own.into(), 5000));
    let forged = format!("PRIVMSG me :\x01DCC SEND file {} 5000\x01\n", own + 1);
    assert_eq!(read(forged.as_bytes()), Found::Nothing);
    let cut = offer.trim_end();
    assert_eq!(read(cut.as_bytes()), Found::Nothing);
}

#[test]
fn sane_and_tftp_and_amanda() {
    let tcp = entry(Protocol::TCP);
    let mut requested = false;
    let start = [0, 0, 0, 7, 0, 0, 0, 0];
    sane::read(
        &message(&tcp, Direction::Original, 0, &start),
        &mut requested,
    );
    let answer = [0, 0, 0, 0, 0, 0, 0x10, 0];
    let found = sane::read(&message(&tcp, Direction::Reply, 0, &answer), &mut requested);
    assert_eq!(announced(found), (Some(0x0a00_0002), 0x0a01_0002, 4096));
    let again = sane::read(&message(&tcp, Direction::Reply, 0, &answer), &mut requested);
    assert_eq!(again, Found::Nothing);
    let udp = entry(Protocol::UDP);
    let found = tftp::read(&message(&udp, Direction::Original, 0, b"\0\x01file\0"));
    assert_eq!(announced(found), (Some(0x0a01_0002), 0x0a00_0002, 1000));
    let text = b"Amanda CONNECT DATA 1025 MESG 1026 INDEX 70000000\n";
    let Found::Announced(all) = amanda::read(&message(&udp, Direction::Reply, 0, text)) else {
        panic!("two ports");
    };
    assert_eq!(
        all.iter().map(|one| one.port).collect::<Vec<_>>(),
        [1025, 1026]
    );
}
