use netverdict_net::{InterfaceName, checksum, header};
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Send {
    Send::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

#[test]
fn the_documented_example_is_a_syn() {
    let send = parse("in eth0 tcp 198.51.100.7:40000 > 203.0.113.1:22 syn");
    assert_eq!(send.way, Way::In);
    assert_eq!(
        send.device,
        Device::Named(InterfaceName::new("eth0").unwrap())
    );
    let packet = send.packet();
    assert_eq!((packet.len(), packet.ttl()), (40, 64));
    assert_eq!(packet.source().to_string(), "198.51.100.7");
    assert_eq!(packet.captured()[33], 2, "flags");
}

#[test]
fn checksums_are_right() {
    for text in [
        "in eth0 tcp 192.0.2.1:1 > 192.0.2.2:2 syn+ack mss=1460 payload=hello",
        "in eth0 udp [2001:db8::1]:1 > [2001:db8::2]:2 payload=0x0102ff len=99",
        "in eth0 icmp6 2001:db8::1 > 2001:db8::2",
    ] {
        let send = parse(text);
        let packet = send.packet();
        let at = header::network_header_len(&packet);
        let body = &packet.captured()[at..];
        let pseudo = checksum::pseudo_header(
            send.source.address,
            send.destination.address,
            send.protocol,
            body.len() as u32,
        );
        assert_eq!(checksum::finish(checksum::sum(body, pseudo)), 0, "{text}");
        if packet.captured()[0] >> 4 == 4 {
            assert_eq!(
                checksum::finish(checksum::sum(&packet.captured()[..20], 0)),
                0,
                "{text}"
            );
        }
    }
}

#[test]
fn words_shape_the_packet() {
    let packet =
        parse("out lo udp 192.0.2.1:1 > 192.0.2.2:2 ttl=3 tos=0x10 len=100 ip-id=7 df").packet();
    assert_eq!((packet.len(), packet.ttl(), packet.tos()), (100, 3, 0x10));
    assert_eq!(packet.u16(4).unwrap(), 7);
    assert_eq!(header::ipv4_fragment(&packet), (0, false));
    let later = parse("in eth0 udp 192.0.2.1 > 192.0.2.2 frag=1480 mf len=120").packet();
    assert_eq!(header::ipv4_fragment(&later), (185, true));
}

#[test]
fn times_are_absolute_or_relative() {
    let at = |text: &str| {
        parse(&format!("in eth0 icmp 192.0.2.1 > 192.0.2.2 {text}"))
            .time(Some(Timestamp::new(100, 0)))
    };
    assert_eq!(at("at=1.5"), Timestamp::new(1, 500_000_000));
    assert_eq!(at("at=+2"), Timestamp::new(102, 0));
    assert_eq!(
        at("at=2026-03-02T08:00:00"),
        Timestamp::new(1_772_438_400, 0)
    );
    assert_eq!(
        at("at=2024-02-29T23:59:59.25Z"),
        Timestamp::new(1_709_251_199, 250_000_000)
    );
    assert_eq!(at(""), Timestamp::new(100, 1_000_000));
}

/// The text with `^` below the part at fault, and what was expected.
fn complaint(text: &str) -> String {
    let error = Send::parse(text).expect_err("no packet");
    let marks = "^".repeat(error.span.len().max(1));
    format!(
        "{text}\n{:width$}{marks} {}",
        "",
        error.expected,
        width = error.span.start
    )
}

#[test]
fn errors_point_at_the_token() {
    let complaints: Vec<_> = [
        "",
        "over eth0 tcp 192.0.2.1:1 > 192.0.2.2:2",
        "in averylonginterface tcp",
        "in eth0 tpc 192.0.2.1:1 > 192.0.2.2:2",
        "in eth0 tcp 192.0.2.1:x > 192.0.2.2:2",
        "in eth0 tcp 192.0.2.1:1 192.0.2.2:2",
        "in eth0 tcp 192.0.2.1:1 > [2001:db8::1]:2",
        "in eth0 icmp 192.0.2.1:8 > 192.0.2.2",
        "in eth0 icmp 2001:db8::1 > 2001:db8::2",
        "in eth0 tcp 192.0.2.1:1 > 192.0.2.2:2 sin",
        "in eth0 udp 192.0.2.1:1 > 192.0.2.2:2 syn",
        "in eth0 tcp 192.0.2.1:1 > 192.0.2.2:2 ttl=300",
        "in eth0 udp 192.0.2.1:1 > 192.0.2.2:2 frag=9",
        "in eth0 udp 192.0.2.1:1 > 192.0.2.2:2 payload=0x123",
        "in eth0 udp 192.0.2.1:1 > 192.0.2.2:2 at=noon",
    ]
    .into_iter()
    .map(complaint)
    .collect();
    insta::assert_snapshot!(complaints.join("\n"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_within_itself(text in ".{0,80}") {
        if let Err(error) = Send::parse(&text) {
            prop_assert!(error.span.end <= text.len());
        }
    }

    #[test]
    fn any_packet_is_one_that_can_be_read(
        protocol in 0_u8..=255, len in 0_u16.., ttl in 0_u8.., payload in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let hex = payload.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let send = parse(&format!("in eth0 {protocol} 192.0.2.1 > 192.0.2.2 ttl={ttl} len={len} payload=0x{hex}"));
        let packet = send.packet();
        let again = Packet::new(packet.captured(), packet.len(), packet.link);
        prop_assert!(again.is_ok_and(|again| again.len() == packet.len()));
    }
}
