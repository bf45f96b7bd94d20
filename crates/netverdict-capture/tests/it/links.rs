use std::net::IpAddr;

use netverdict_capture::{Direction, Frame, Layer, LinkType, Network, SkipReason, Tag};
use netverdict_net::{Family, LinkKind, PacketError, PacketType};

use crate::bytes::{LITTLE, TCPDUMP_ETHERNET, TCPDUMP_SLL, TCPDUMP_SLL2, hex, read};

/// An ICMP echo from 192.0.2.1 to 192.0.2.2, 28 bytes.
const ECHO: &str = "4500001c000100004001f6d9c0000201c00002020800f7fe00010000";
const MACS: &str = "02000000000b 02000000000a";

/// One frame of a link type.
fn frame(link_type: u32, text: &str) -> Frame<'static> {
    let data = hex(text);
    cut_frame(link_type, &data, data.len())
}

fn cut_frame(link_type: u32, data: &[u8], original: usize) -> Frame<'static> {
    let file = [
        LITTLE.pcap(0xa1b2_c3d4, 0, link_type),
        LITTLE.record(1, 0, original as u32, data),
    ];
    let (mut frames, _) = read(&file.concat());
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

fn ethernet(text: &str) -> Frame<'static> {
    frame(1, &format!("{MACS}{text}"))
}

/// The frame holds exactly the echo.
#[track_caller]
fn assert_echo(frame: &Frame<'_>) {
    let packet = frame.packet().unwrap().unwrap();
    assert_eq!(packet.source(), "192.0.2.1".parse::<IpAddr>().unwrap());
    assert_eq!(packet.captured(), hex(ECHO));
}

fn skipped(frame: &Frame<'_>) -> SkipReason {
    match frame.network {
        Network::Skipped(reason) => reason,
        other => panic!("not skipped: {other:?}"),
    }
}

#[test]
fn ethernet_of_tcpdump() {
    let (frames, summary) = read(&hex(TCPDUMP_ETHERNET));
    let frame = &frames[0];
    assert_eq!(frame.link.kind, LinkKind::Ethernet);
    assert_eq!(frame.link.source.unwrap().to_string(), "02:00:00:00:00:0a");
    assert_eq!(
        frame.link.destination.unwrap().to_string(),
        "02:00:00:00:00:0b"
    );
    assert_eq!(frame.link.packet_type, PacketType::Host);
    assert_eq!(frame.direction_hint, None);
    assert_eq!(frame.packet().unwrap().unwrap().len(), 31);
    assert_eq!(summary.link_types[&LinkType::ETHERNET], 1);
}

#[test]
fn destination_tells_broadcast_and_multicast() {
    let to = |mac: &str| {
        frame(1, &format!("{mac}02000000000a0800{ECHO}"))
            .link
            .packet_type
    };
    assert_eq!(to("ffffffffffff"), PacketType::Broadcast);
    assert_eq!(to("01005e000001"), PacketType::Multicast);
    assert_eq!(to("333300000001"), PacketType::Multicast);
    assert_eq!(to("02000000000b"), PacketType::Host);
}

#[test]
fn cooked_of_tcpdump() {
    let (frames, _) = read(&hex(TCPDUMP_SLL));
    let seen: Vec<_> = frames
        .iter()
        .map(|f| (f.direction_hint, f.link.packet_type))
        .collect();
    assert_eq!(
        seen,
        [
            (Some(Direction::Out), PacketType::Outgoing),
            (Some(Direction::In), PacketType::Host),
            (Some(Direction::In), PacketType::Host),
        ]
    );
    assert_eq!(frames[0].link.kind, LinkKind::Cooked);
    assert_eq!(
        frames[0].link.source.unwrap().to_string(),
        "02:00:00:00:00:0a"
    );
    assert_eq!(frames[0].link.destination, None);
    assert!(
        frames
            .iter()
            .all(|f| f.packet().unwrap().unwrap().len() == 31)
    );
}

#[test]
fn cooked2_of_tcpdump_names_the_interface() {
    let (frames, _) = read(&hex(TCPDUMP_SLL2));
    assert_eq!(frames[0].ifindex, Some(3));
    assert_eq!(frames[0].direction_hint, Some(Direction::Out));
    assert_eq!(frames[0].link.packet_type, PacketType::Outgoing);
    assert_eq!(frames[1].ifindex, Some(2));
    assert_eq!(frames[1].direction_hint, Some(Direction::In));
    assert_eq!(
        frames[1].link.source.unwrap().to_string(),
        "02:00:00:00:00:0a"
    );
    assert!(
        frames
            .iter()
            .all(|f| f.packet().unwrap().unwrap().len() == 31)
    );
}

/// A tun device (ARPHRD_NONE) has no address; etherparse's slice refuses this header.
#[test]
fn cooked_without_an_address() {
    let frame = frame(113, &format!("0003 fffe 0000 0000000000000000 0800 {ECHO}"));
    assert_echo(&frame);
    assert_eq!(frame.link.source, None);
    assert_eq!(frame.link.packet_type, PacketType::OtherHost);
}

#[test]
fn cooked_with_a_vlan_tag_and_without_ip() {
    let tagged = frame(
        113,
        &format!("0000 0001 0006 02000000000a0000 8100 0064 0800 {ECHO}"),
    );
    assert_echo(&tagged);
    assert_eq!(
        tagged.tags,
        [Tag::Vlan {
            tpid: 0x8100,
            tci: 100
        }]
    );
    let skips = |protocol: &str, hardware: &str| {
        skipped(&frame(
            113,
            &format!("0000 {hardware} 0006 02000000000a0000 {protocol} {ECHO}"),
        ))
    };
    assert_eq!(skips("0004", "0001"), SkipReason::Llc);
    assert_eq!(skips("000c", "0118"), SkipReason::EtherType(0x000c));
    assert_eq!(skips("0000", "0338"), SkipReason::EtherType(0));
}

/// tshark 4.0 reads these bytes as 802.1ad 100, 802.1Q 200, 802.1Q 300, 802.1Q 4094 with priority 3, then IPv4.
/// etherparse stops at the third tag.
#[test]
fn four_vlan_tags() {
    let frame = ethernet(&format!("88a80064 810000c8 8100012c 91006ffe 0800 {ECHO}"));
    assert_echo(&frame);
    let ids: Vec<_> = frame.tags.iter().filter_map(|t| t.vlan_id()).collect();
    assert_eq!(ids, [100, 200, 300, 4094]);
    assert_eq!(
        frame.tags[3],
        Tag::Vlan {
            tpid: 0x9100,
            tci: 0x6ffe
        }
    );
}

/// tshark 4.0 reads these bytes as VLAN 10, PPPoE session 0xabc, IPv4; six bytes of padding follow.
#[test]
fn pppoe_below_a_vlan_tag() {
    let frame = ethernet(&format!(
        "8100a00a 8864 11000abc001e 0021 {ECHO} 000000000000"
    ));
    assert_echo(&frame);
    assert_eq!(
        frame.tags,
        [
            Tag::Vlan {
                tpid: 0x8100,
                tci: 0xa00a
            },
            Tag::Pppoe { session: 0xabc }
        ]
    );
    // The session's length ends the packet, not the padded frame.
    assert!(matches!(
        frame.network,
        Network::Ip {
            on_wire: 28,
            family: Some(Family::V4),
            ..
        }
    ));
}

/// tshark 4.0 reads these bytes as PPP protocol 0x0057, IPv6 from fe80::1.
#[test]
fn pppoe_with_a_compressed_protocol_field() {
    let ip6 = "6000000000003a40 fe800000000000000000000000000001 ff020000000000000000000000000001";
    let frame = ethernet(&format!("8864 110000010029 57 {ip6}"));
    let packet = frame.packet().unwrap().unwrap();
    assert_eq!((packet.family(), packet.len()), (Family::V6, 40));
}

#[test]
fn pppoe_that_the_kernel_drops_or_that_is_no_ip() {
    let reason = |text: &str| skipped(&ethernet(text));
    assert_eq!(reason("8864 1100000100ff 0021 4500"), SkipReason::Pppoe);
    assert_eq!(reason("8864 110900010004 0021 4500"), SkipReason::Pppoe);
    assert_eq!(
        reason("8864 110000010004 c021 0101"),
        SkipReason::PppProtocol(0xc021)
    );
    assert_eq!(reason("8864 1100"), SkipReason::Short(Layer::Pppoe));
}

/// tshark 4.0 reads these bytes as labels 100 and 200, then IPv4.
#[test]
fn mpls_label_stack() {
    let frame = ethernet(&format!("8847 000640ff 000c81ff {ECHO}"));
    assert_echo(&frame);
    assert_eq!(
        frame.tags,
        [Tag::Mpls { label: 100 }, Tag::Mpls { label: 200 }]
    );
    assert_eq!(
        skipped(&ethernet("8847 000641ff 00000000")),
        SkipReason::MplsPayload
    );
    assert_eq!(
        skipped(&ethernet("8847 000640ff 00")),
        SkipReason::Short(Layer::Mpls)
    );
}

#[test]
fn raw_ip_by_each_of_its_numbers() {
    for link_type in [12, 14, 101, 228] {
        let frame = frame(link_type, ECHO);
        assert_echo(&frame);
        assert_eq!(frame.link.kind, LinkKind::Bare);
    }
    let v4_as_v6 = frame(229, ECHO);
    assert_eq!(
        v4_as_v6.packet().unwrap().unwrap_err(),
        PacketError::Version(4)
    );
}

/// Written by hosts of either byte order; each system has its own AF_INET6.
#[test]
fn null_and_loop_headers() {
    for family in ["02000000", "00000002"] {
        assert_echo(&frame(0, &format!("{family}{ECHO}")));
    }
    assert_echo(&frame(108, &format!("00000002{ECHO}")));
    let ip6 = format!("{:0<80}", "6000000000003a40");
    for family in ["0000000a", "18000000", "1c000000", "0000001e"] {
        let frame = frame(0, &format!("{family}{ip6}"));
        assert_eq!(frame.packet().unwrap().unwrap().family(), Family::V6);
    }
    assert_eq!(
        skipped(&frame(108, "0200000045")),
        SkipReason::AddressFamily(0x0200_0000)
    );
    assert_eq!(skipped(&frame(0, "0000")), SkipReason::Short(Layer::Null));
}

/// ip_rcv drops IPv6 behind an IPv4 EtherType, whatever is in it.
#[test]
fn version_must_be_the_announced_one() {
    let frame = ethernet(&format!("86dd {ECHO}"));
    assert_eq!(
        frame.packet().unwrap().unwrap_err(),
        PacketError::Version(4)
    );
}

#[test]
fn what_is_no_ip_is_skipped_with_a_reason() {
    assert!(matches!(
        ethernet("0806 0001").network,
        Network::Arp {
            offset: 14,
            on_wire: 2
        }
    ));
    assert_eq!(
        skipped(&ethernet("88cc 0000")),
        SkipReason::EtherType(0x88cc)
    );
    assert_eq!(skipped(&ethernet("0026 424203")), SkipReason::Llc);
    assert_eq!(
        skipped(&frame(1, "0200")),
        SkipReason::Short(Layer::Ethernet)
    );
    assert_eq!(
        skipped(&frame(105, "0200")),
        SkipReason::LinkType(LinkType(105))
    );
}

/// The snap length may end any header: then it is the capture, not the frame, that is short.
#[test]
fn a_cut_header_is_not_a_short_one() {
    let tagged = hex(&format!(
        "{MACS} 88a80064 810000c8 8864 11000abc001e 0021 {ECHO}"
    ));
    let reason = |len: usize| skipped(&cut_frame(1, &tagged[..len], tagged.len()));
    assert_eq!(reason(10), SkipReason::NotCaptured(Layer::Ethernet));
    assert_eq!(reason(16), SkipReason::NotCaptured(Layer::Vlan));
    assert_eq!(reason(25), SkipReason::NotCaptured(Layer::Pppoe));
    let cut = cut_frame(1, &tagged[..40], tagged.len());
    assert_eq!(cut.packet().unwrap().unwrap_err(), PacketError::NotCaptured);
    let cut = cut_frame(1, &tagged[..52], tagged.len());
    let packet = cut.packet().unwrap().unwrap();
    assert_eq!((packet.len(), packet.captured().len()), (28, 22));
}

/// A TSO frame says length 0: then the frame's end is the packet's, and its check sequence is not part of it.
#[test]
fn check_sequence_is_not_part_of_the_packet() {
    let tso = ECHO.replacen("001c", "0000", 1);
    let with_fcs = format!("{MACS} 0800 {tso} aabbccdd");
    assert_eq!(frame(1, &with_fcs).packet().unwrap().unwrap().len(), 32);
    let frame = frame(0x2400_0001, &with_fcs);
    assert_eq!(frame.link_type, LinkType::ETHERNET);
    assert_eq!(frame.packet().unwrap().unwrap().len(), 28);
    assert_eq!(frame.data.len(), 46);
}
