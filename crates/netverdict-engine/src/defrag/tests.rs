//! Fragments of both families.

use netverdict_net::{Family, Jiffies, Link, Packet, Protocol};
use proptest::prelude::*;

use super::{Asker, Defrag, Defragged, Limits};
use crate::conntrack::lab::{CLIENT, SERVER, ipv4};
use crate::state::Rewind;
use crate::{Reason, Skb};

const BAD: Defragged = Defragged::Drop(Reason::FragmentBad);

fn store() -> Defrag {
    Defrag {
        limits: Limits {
            ipv4: 7500,
            ipv6: 15_000,
            distance: 64,
        },
        ..Defrag::default()
    }
}

/// A fragment at a byte offset.
fn fragment(id: u8, offset: usize, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = ipv4(CLIENT, SERVER, Protocol::UDP, payload);
    bytes[5] = id;
    let word = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
    bytes[6..8].copy_from_slice(&word.to_be_bytes());
    bytes
}

fn take(defrag: &mut Defrag, bytes: Vec<u8>, now: i64) -> (Defragged, Packet<'static>) {
    let family = if bytes[0] >> 4 == 4 {
        Family::V4
    } else {
        Family::V6
    };
    let mut skb = Skb::new(Packet::owned(bytes, family, Link::default()));
    let result = defrag.take(&mut skb, Asker::Prerouting, Jiffies(now));
    (result, skb.packet.into_owned())
}

#[test]
fn a_datagram_is_held_until_it_is_whole() {
    let mut defrag = store();
    assert_eq!(
        take(&mut defrag, fragment(1, 16, false, b"end"), 0).0,
        Defragged::Held
    );
    assert_eq!(
        take(&mut defrag, fragment(1, 8, true, b"bbbbbbbb"), 0).0,
        Defragged::Held
    );
    assert_eq!(
        take(&mut defrag, fragment(2, 0, true, b"xxxxxxxx"), 0).0,
        Defragged::Held
    );
    let (done, whole) = take(&mut defrag, fragment(1, 0, true, b"aaaaaaaa"), 0);
    assert_eq!(done, Defragged::Completed);
    assert_eq!(&whole.captured()[20..], b"aaaaaaaabbbbbbbbend");
    assert_eq!(
        (whole.len(), whole.u16(2), whole.u16(6)),
        (39, Ok(39), Ok(0))
    );
    assert_eq!(
        netverdict_net::checksum::finish(netverdict_net::checksum::sum(&whole.captured()[..20], 0)),
        0
    );
    assert_eq!(
        take(&mut defrag, ipv4(CLIENT, SERVER, Protocol::UDP, b""), 0).0,
        Defragged::Untouched
    );
}

#[test]
fn repetitions_are_ignored_and_overlaps_discard_all() {
    let mut defrag = store();
    take(&mut defrag, fragment(1, 0, true, &[1; 16]), 0);
    assert_eq!(take(&mut defrag, fragment(1, 0, true, &[1; 16]), 0).0, BAD);
    let (done, _) = take(&mut defrag, fragment(1, 16, false, &[2; 8]), 0);
    assert_eq!(done, Defragged::Completed, "a repetition changes nothing");
    take(&mut defrag, fragment(2, 0, true, &[1; 16]), 0);
    assert_eq!(take(&mut defrag, fragment(2, 8, true, &[1; 16]), 0).0, BAD);
    assert_eq!(
        take(&mut defrag, fragment(2, 16, false, &[2; 8]), 0).0,
        Defragged::Held,
        "an overlap took the rest along"
    );
}

#[test]
fn fragments_wait_thirty_seconds() {
    let mut defrag = store();
    take(&mut defrag, fragment(1, 0, true, &[1; 8]), 0);
    assert_eq!(
        take(&mut defrag, fragment(1, 8, false, &[1; 8]), 7499).0,
        Defragged::Completed
    );
    take(&mut defrag, fragment(1, 0, true, &[1; 8]), 7500);
    assert_eq!(
        take(&mut defrag, fragment(1, 8, false, &[1; 8]), 15_000).0,
        Defragged::Held
    );
}

#[test]
fn a_fragment_beyond_the_last_discards_all() {
    let mut defrag = store();
    take(&mut defrag, fragment(1, 8, false, &[1; 8]), 0);
    assert_eq!(take(&mut defrag, fragment(1, 16, true, &[1; 8]), 0).0, BAD);
    assert!(defrag.queues.is_empty());
}

#[test]
fn congestion_marks_merge_by_rfc_3168() {
    let marked = |first: u8, second: u8| {
        let mut defrag = store();
        let with = |mark: u8, mut bytes: Vec<u8>| {
            bytes[1] = mark;
            bytes
        };
        take(&mut defrag, with(first, fragment(1, 0, true, &[1; 8])), 0);
        let (done, whole) = take(&mut defrag, with(second, fragment(1, 8, false, &[1; 8])), 0);
        (done == Defragged::Completed).then(|| whole.tos())
    };
    assert_eq!(marked(2, 3), Some(3), "ECT and CE");
    assert_eq!(marked(0, 0), Some(0));
    assert_eq!(marked(0, 3), None, "no ECT and CE");
}

/// A fragment of an IPv6 datagram, and the whole.
fn v6(offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0, 0, payload.len() as u8 + 8, 44, 64];
    bytes.resize(40, 7);
    bytes.extend([17, 0]);
    bytes.extend((offset | u16::from(more)).to_be_bytes());
    bytes.extend([0, 0, 0, 9]);
    bytes.extend(payload);
    bytes
}

#[test]
fn ipv6_loses_its_fragment_header() {
    let mut defrag = store();
    let (atomic, whole) = take(&mut defrag, v6(0, false, &[1; 8]), 0);
    assert_eq!((atomic, whole.len()), (Defragged::Completed, 48));
    assert_eq!((whole.captured()[6], whole.u16(4)), (17, Ok(8)));
    take(&mut defrag, v6(0, true, &[1; 16]), 0);
    let (done, whole) = take(&mut defrag, v6(16, false, &[2; 3]), 0);
    assert_eq!((done, whole.len()), (Defragged::Completed, 59));
    take(&mut defrag, v6(0, true, &[1; 16]), 0);
    assert_eq!(
        take(&mut defrag, v6(0, true, &[1; 16]), 0).0,
        Defragged::Held,
        "repeated"
    );
    assert_eq!(
        take(&mut defrag, v6(16, true, &[1; 3]), 0).0,
        Defragged::Untouched,
        "odd length passes"
    );
    assert!(defrag.queues.is_empty());
}

proptest! {
    #[test]
    fn any_order_gives_the_datagram(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let mut defrag = store();
        let payload: Vec<u8> = (0..48).collect();
        let mut completed = 0;
        for index in order {
            let piece = &payload[index * 8..index * 8 + 8];
            let (result, whole) = take(&mut defrag, fragment(1, index * 8, index < 5, piece), 0);
            if result == Defragged::Completed {
                completed += 1;
                prop_assert_eq!(&whole.captured()[20..], &payload[..]);
            }
        }
        prop_assert_eq!(completed, 1);
    }

    #[test]
    fn rollback_forgets(fragments in prop::collection::vec((0..3_u8, 0..6_usize, any::<bool>()), 0..20)) {
        let mut defrag = store();
        take(&mut defrag, fragment(1, 0, true, &[1; 8]), 0);
        let before = (defrag.queues.clone(), defrag.peers.clone());
        defrag.checkpoint();
        for (id, place, more) in fragments {
            take(&mut defrag, fragment(id, place * 8, more, &[0; 8]), 1);
        }
        defrag.rollback();
        prop_assert_eq!(before, (defrag.queues, defrag.peers));
    }

    #[test]
    fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 60..100), six: bool) {
        bytes[0] = if six { 0x60 } else { 0x45 };
        if six && bytes[1] & 1 == 0 {
            bytes[6] = 44;
        }
        take(&mut store(), bytes, 0);
    }
}
