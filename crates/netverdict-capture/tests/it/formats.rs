use netverdict_capture::{
    Direction, Format, Frame, LinkType, Network, Oddity, SkipReason, Summary, Warning,
};
use netverdict_net::PacketType;

use crate::bytes::{
    BIG, EDITCAP_MODIFIED, EDITCAP_NANOSECONDS, Endian, LITTLE, TCPDUMP_ETHERNET,
    TEXT2PCAP_DIRECTIONS, hex, read,
};

const DATA: [u8; 5] = [1, 2, 3, 4, 5];

fn times(frames: &[Frame<'_>]) -> Vec<String> {
    frames.iter().map(|f| f.time.to_string()).collect()
}

/// What is odd, how often, and where it began.
fn oddities(summary: &Summary) -> Vec<(Oddity, u64, u64)> {
    let odd = |w: &Warning| match w {
        Warning::Odd { what, count, first } => Some((*what, *count, *first)),
        _ => None,
    };
    summary.warnings.iter().filter_map(odd).collect()
}

#[test]
fn pcap_of_both_precisions_and_byte_orders() {
    for endian in [LITTLE, BIG] {
        for (magic, nanoseconds, expected) in [
            (0xa1b2_c3d4, false, "1700000000.123456000"),
            (0xa1b2_3c4d, true, "1700000000.000123456"),
        ] {
            let file = [
                endian.pcap(magic, 96, 101),
                endian.record(1_700_000_000, 123_456, 1500, &DATA),
            ];
            let (frames, summary) = read(&file.concat());
            assert_eq!(times(&frames), [expected]);
            assert_eq!(
                (
                    frames[0].number,
                    frames[0].data.as_ref(),
                    frames[0].original_len
                ),
                (1, &DATA[..], 1500)
            );
            let big_endian = endian.big;
            assert_eq!(
                summary.format,
                Format::Pcap {
                    nanoseconds,
                    big_endian
                }
            );
            assert_eq!(summary.interfaces[0].snaplen, 96);
            assert_eq!(summary.warnings, []);
        }
    }
}

#[test]
fn times_of_editcap_and_tcpdump_agree() {
    let (micro, _) = read(&hex(TCPDUMP_ETHERNET));
    let (nano, _) = read(&hex(EDITCAP_NANOSECONDS));
    assert_eq!(times(&micro), ["1795386629.123917000"]);
    assert_eq!(times(&nano), times(&micro));
}

#[test]
fn modified_pcap_of_editcap() {
    let (frames, summary) = read(&hex(EDITCAP_MODIFIED));
    assert_eq!(summary.format, Format::ModifiedPcap { big_endian: false });
    let (usual, _) = read(&hex(TCPDUMP_ETHERNET));
    assert_eq!(
        (&frames[0].data, frames[0].time),
        (&usual[0].data, usual[0].time)
    );
    // editcap leaves interface, protocol and packet type 0: they say nothing.
    assert_eq!((frames[0].ifindex, frames[0].direction_hint), (None, None));
}

#[test]
fn modified_pcap_names_interface_and_packet_type() {
    for endian in [LITTLE, BIG] {
        let record = |ifindex: u32, packet_type: u8| {
            let mut record = endian.words(&[7, 8, DATA.len() as u32, 60, ifindex]);
            record.extend(endian.u16(0x0800));
            record.extend([packet_type, 0]);
            record.extend(DATA);
            record
        };
        let file = [
            endian.pcap(0xa1b2_cd34, 65535, 1),
            record(3, 4),
            record(2, 3),
        ];
        let (frames, _) = read(&file.concat());
        assert_eq!(frames[0].data, DATA.as_slice());
        assert_eq!(frames[0].original_len, 60);
        assert_eq!(
            (frames[0].ifindex, frames[0].direction_hint),
            (Some(3), Some(Direction::Out))
        );
        assert_eq!(
            (frames[1].ifindex, frames[1].direction_hint),
            (Some(2), Some(Direction::In))
        );
        assert_eq!(frames[1].link.packet_type, PacketType::OtherHost);
    }
}

/// tcpdump and Wireshark read all of these; pcap-file's validation refuses each.
#[test]
fn records_that_break_their_own_header() {
    let file = [
        LITTLE.pcap(0xa1b2_c3d4, 2, 101),
        LITTLE.record(1, 0, 5, &DATA),
        LITTLE.record(2, 1_000_000, 5, &DATA),
        LITTLE.record(3, 0, 4, &DATA),
        LITTLE.record(4, u32::MAX, 5, &[]),
    ];
    let (frames, summary) = read(&file.concat());
    assert_eq!(
        times(&frames),
        ["1.000000000", "2.999999000", "3.000000000", "4.999999000"]
    );
    let lengths: Vec<_> = frames
        .iter()
        .map(|f| (f.data.len(), f.original_len))
        .collect();
    assert_eq!(lengths, [(5, 5), (5, 5), (5, 5), (0, 5)]);
    assert_eq!(
        oddities(&summary),
        [(Oddity::Fraction, 2, 2), (Oddity::Lengths, 1, 3)]
    );
}

#[test]
fn seconds_are_unsigned() {
    let file = [
        LITTLE.pcap(0xa1b2_c3d4, 0, 101),
        LITTLE.record(0x8000_0000, 0, 5, &DATA),
    ];
    assert_eq!(times(&read(&file.concat()).0), ["2147483648.000000000"]);
}

/// Before version 2.4 some writers swapped the two lengths (libpcap, sf-pcap.c).
#[test]
fn old_versions_may_swap_the_lengths() {
    let mut file = LITTLE.pcap(0xa1b2_c3d4, 0, 101);
    file[6] = 3;
    file.extend(LITTLE.words(&[1, 0, 1500, 5]));
    file.extend(DATA);
    file.extend(LITTLE.record(2, 0, 1500, &DATA));
    let (frames, summary) = read(&file);
    let lengths: Vec<_> = frames
        .iter()
        .map(|f| (f.data.len(), f.original_len))
        .collect();
    assert_eq!(lengths, [(5, 1500), (5, 1500)]);
    assert_eq!(summary.warnings, []);
}

#[test]
fn pcapng_of_text2pcap_has_directions_and_a_comment() {
    let (frames, summary) = read(&hex(TEXT2PCAP_DIRECTIONS));
    let directions: Vec<_> = frames.iter().map(|f| f.direction_hint).collect();
    assert_eq!(directions, [Some(Direction::In), Some(Direction::Out)]);
    assert_eq!(frames[1].link.packet_type, PacketType::Outgoing);
    let comments: Vec<_> = frames.iter().map(Frame::comment).collect();
    assert_eq!(comments, [None, Some(&b"hello"[..])]);
    assert_eq!(
        summary.interfaces[0].name.as_deref(),
        Some("Fake IF, text2pcap")
    );
    // No Linux device can have that name.
    assert_eq!(frames[0].interface, None);
    assert_eq!(frames[0].interface_index, Some(0));
}

/// Two interfaces in a section: name, resolution and offset are each one's own.
fn section(endian: Endian) -> Vec<u8> {
    let offset = if endian.big {
        100_i64.to_be_bytes()
    } else {
        100_i64.to_le_bytes()
    };
    [
        endian.section(),
        endian.block(0x0bad_cafe, b"unknown block"),
        endian.interface(101, 0, &[endian.option(2, b"eth0"), endian.option(0, &[])]),
        // No end mark behind the options.
        endian.interface(
            1,
            0,
            &[
                endian.option(2, b"eth1"),
                endian.option(9, &[9]),
                endian.option(14, &offset),
            ],
        ),
        endian.enhanced(0, 1_000_001, 5, &DATA, &[]),
        endian.enhanced(
            1,
            1_000_000_001,
            5,
            &DATA,
            &[endian.option(2, &endian.u32(2 | 1 << 2))],
        ),
    ]
    .concat()
}

#[test]
fn pcapng_interfaces_and_sections_of_both_byte_orders() {
    let (frames, summary) = read(&[section(LITTLE), section(BIG)].concat());
    assert_eq!(
        times(&frames),
        [
            "1.000001000",
            "101.000000001",
            "1.000001000",
            "101.000000001"
        ]
    );
    let names: Vec<_> = frames
        .iter()
        .map(|f| f.interface.unwrap().to_string())
        .collect();
    assert_eq!(names, ["eth0", "eth1", "eth0", "eth1"]);
    let indexes: Vec<_> = frames.iter().map(|f| f.interface_index.unwrap()).collect();
    assert_eq!(indexes, [0, 1, 2, 3]);
    assert_eq!(frames[3].direction_hint, Some(Direction::Out));
    assert_eq!(summary.interfaces.len(), 4);
    assert_eq!(summary.warnings, []);
}

/// if_tsresol: powers of ten beyond nine digits, and powers of two. 2^-20 s: tshark prints .000000953.
#[test]
fn pcapng_resolutions() {
    let time = |resolution: u8, ticks: u64| {
        let file = [
            LITTLE.section(),
            LITTLE.interface(101, 0, &[LITTLE.option(9, &[resolution])]),
            LITTLE.enhanced(0, ticks, 5, &DATA, &[]),
        ];
        let (frames, summary) = read(&file.concat());
        (times(&frames).remove(0), oddities(&summary).len())
    };
    assert_eq!(time(0, 7), ("7.000000000".to_owned(), 0));
    assert_eq!(time(3, 7), ("0.007000000".to_owned(), 0));
    assert_eq!(time(12, 7_000_000_001_999), ("7.000000001".to_owned(), 0));
    assert_eq!(time(0x94, (3 << 20) + 1), ("3.000000953".to_owned(), 0));
    assert_eq!(time(127, u64::MAX), ("0.000000000".to_owned(), 0));
    assert_eq!(time(0xff, u64::MAX), ("0.000000000".to_owned(), 0));
    assert_eq!(time(0, u64::MAX), ("9223372036.854775807".to_owned(), 1));
}

/// A simple packet block has no time and no captured length; the obsolete packet block a 16-bit interface.
#[test]
fn pcapng_simple_and_obsolete_packet_blocks() {
    for endian in [LITTLE, BIG] {
        let obsolete = [
            &endian.u16(1)[..],
            &endian.u16(9),
            &endian.words(&[0, 2_000_000, 5, 60]),
            &DATA,
            &[0; 3],
            &endian.option(2, &endian.u32(1)),
        ];
        let file = [
            endian.section(),
            endian.interface(101, 4, &[]),
            endian.interface(1, 0, &[endian.option(2, b"wan\0")]),
            endian.block(2, &obsolete.concat()),
            endian.block(3, &[&endian.u32(9)[..], &DATA[..4]].concat()),
        ];
        let (frames, summary) = read(&file.concat());
        assert_eq!(times(&frames), ["2.000000000", "2.000000000"]);
        assert_eq!(frames[0].interface.unwrap().as_str(), "wan");
        assert_eq!(
            (frames[0].original_len, frames[0].direction_hint),
            (60, Some(Direction::In))
        );
        assert_eq!(
            (frames[1].data.as_ref(), frames[1].original_len),
            (&DATA[..4], 9)
        );
        assert_eq!(frames[1].link_type, LinkType::RAW);
        assert_eq!(oddities(&summary), [(Oddity::NoTime, 1, 2)]);
    }
}

#[test]
fn pcapng_frames_that_break_their_block_are_kept() {
    let mut long = LITTLE.enhanced(0, 1, 5, &DATA, &[]);
    long[20..24].copy_from_slice(&LITTLE.u32(500));
    let file = [
        LITTLE.section(),
        LITTLE.enhanced(0, 1, 5, &DATA, &[]),
        LITTLE.interface(101, 0, &[]),
        long,
        LITTLE.enhanced(0, 1, 3, &DATA, &[LITTLE.option(2, &[1])]),
        LITTLE.block(6, &[0; 16]),
        LITTLE.enhanced(7, 1, 5, &DATA, &[]),
    ];
    let (frames, summary) = read(&file.concat());
    let lengths: Vec<_> = frames
        .iter()
        .map(|f| (f.data.len(), f.original_len))
        .collect();
    assert_eq!(lengths, [(5, 5), (8, 8), (5, 5), (5, 5)]);
    assert_eq!(frames[0].network, Network::Skipped(SkipReason::NoInterface));
    assert_eq!(
        oddities(&summary),
        [
            (Oddity::NoInterface, 2, 1),
            (Oddity::ShortBlock, 1, 2),
            (Oddity::Lengths, 2, 2),
            (Oddity::Block, 1, 4),
        ]
    );
    assert_eq!(summary.link_types[&LinkType::UNKNOWN], 2);
}

#[test]
fn pcapng_check_sequence_length_is_an_interface_option() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, 0, &[LITTLE.option(13, &[4])]),
    ];
    let echo = "02000000000b02000000000a0800 4500 0000 000100004001f6d9c0000201c0000202 aabbccdd";
    let frame = LITTLE.enhanced(0, 0, 38, &hex(echo), &[]);
    let (frames, _) = read(&[file.concat(), frame].concat());
    assert_eq!(frames[0].packet().unwrap().unwrap().len(), 20);
}

/// A link type that is not read: each frame is counted, and one warning says so.
#[test]
fn other_link_types_are_counted() {
    let file = [
        LITTLE.pcap(0xa1b2_c3d4, 0, 147),
        LITTLE.record(1, 0, 5, &DATA),
        LITTLE.record(2, 0, 5, &DATA),
    ];
    let (frames, summary) = read(&file.concat());
    assert_eq!(frames.len(), 2);
    let link_type = LinkType(147);
    assert_eq!(
        summary.warnings,
        [Warning::LinkType {
            link_type,
            frames: 2
        }]
    );
    assert_eq!(
        summary.warnings[0].to_string(),
        "2 frames of link type user-defined (147) skipped"
    );
}

/// The frame's link type number reaches pcap-file's enum and comes back unchanged.
#[test]
fn every_link_type_number_survives() {
    for link_type in 0..=300 {
        let (_, summary) = read(&LITTLE.pcap(0xa1b2_c3d4, 0, link_type));
        assert_eq!(summary.interfaces[0].link_type, LinkType(link_type));
    }
}
