use std::io::Write;
use std::process::{Command, Stdio};

use netverdict_capture::{
    Direction, FrameOut, InterfaceOut, LinkType, PcapWriter, PcapngWriter, WriteError,
};
use netverdict_net::Timestamp;

use crate::bytes::{hex, read};

const ECHO: &str = "4500001c000100004001f6d9c0000201c00002020800f7fe00010000";

fn frames(data: &[u8]) -> [FrameOut<'_>; 2] {
    let first = FrameOut::new(Timestamp::new(1_700_000_000, 1), data);
    [
        FrameOut {
            direction: Some(Direction::In),
            ..first
        },
        FrameOut {
            time: Timestamp::new(1_700_000_001, 999_999_999),
            original_len: 1500,
            direction: Some(Direction::Out),
            comments: &["DROP by filter INPUT rule 3 (λ)"],
            ..first
        },
    ]
}

fn pcap() -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), LinkType::RAW).unwrap();
    for frame in frames(&hex(ECHO)) {
        writer.write(&frame).unwrap();
    }
    writer.finish().unwrap()
}

fn pcapng() -> Vec<u8> {
    let mut writer = PcapngWriter::new(Vec::new(), "netverdict").unwrap();
    for (name, link_type) in [(Some("eth0"), LinkType::RAW), (None, LinkType::IPV4)] {
        writer
            .interface(&InterfaceOut::new(name, link_type))
            .unwrap();
    }
    for (interface, frame) in (0..).zip(frames(&hex(ECHO))) {
        writer.write(interface, &frame).unwrap();
    }
    writer.finish()
}

#[test]
fn pcap_reads_back() {
    let (read, summary) = read(&pcap());
    assert_eq!(summary.warnings, []);
    for (read, written) in read.iter().zip(frames(&hex(ECHO))) {
        assert_eq!(
            (read.time, read.data.as_ref()),
            (written.time, written.data)
        );
        assert_eq!(read.original_len, written.original_len);
    }
}

#[test]
fn pcapng_reads_back() {
    let (read, summary) = read(&pcapng());
    assert_eq!(summary.warnings, []);
    assert_eq!(summary.interfaces[0].name.as_deref(), Some("eth0"));
    assert_eq!(summary.interfaces[1].link_type, LinkType::IPV4);
    for (read, written) in read.iter().zip(frames(&hex(ECHO))) {
        assert_eq!(
            (read.time, read.data.as_ref()),
            (written.time, written.data)
        );
        assert_eq!(read.original_len, written.original_len);
        assert_eq!(read.direction_hint, written.direction);
        assert_eq!(
            read.comment(),
            written.comments.first().map(|text| text.as_bytes())
        );
    }
    assert_eq!(FrameOut::of(&read[1]).original_len, 1500);
}

#[test]
fn check_sequence_length_reads_back() {
    let mut writer = PcapngWriter::new(Vec::new(), "netverdict").unwrap();
    let with_fcs = InterfaceOut {
        fcs_len: 4,
        ..InterfaceOut::new(Some("eth0"), LinkType::ETHERNET)
    };
    writer.interface(&with_fcs).unwrap();
    let (_, summary) = read(&writer.finish());
    assert_eq!(InterfaceOut::of(&summary.interfaces[0]), with_fcs);
}

#[test]
fn values_without_room_are_refused() {
    let mut pcap = PcapWriter::new(Vec::new(), LinkType::RAW).unwrap();
    let before = pcap.write(&FrameOut::new(Timestamp(-1), &[])).unwrap_err();
    assert!(matches!(before, WriteError::Range("time before 1970")));
    let after = pcap
        .write(&FrameOut::new(Timestamp::new(1 << 32, 0), &[]))
        .unwrap_err();
    assert!(matches!(after, WriteError::Range("time after 2106")));
    let mut pcapng = PcapngWriter::new(Vec::new(), "netverdict").unwrap();
    let error = pcapng
        .write(0, &FrameOut::new(Timestamp(0), &[]))
        .unwrap_err();
    assert!(matches!(error, WriteError::Write(_)), "{error}");
}

/// tshark's fields of a capture, or `None` with a word if there is no tshark.
fn tshark(capture: &[u8], fields: &[&str]) -> Option<String> {
    let mut command = Command::new("tshark");
    command.args(["-n", "-r", "-", "-T", "fields", "-E", "separator=|"]);
    for field in fields {
        command.args(["-e", field]);
    }
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = piped else {
        println!("SKIPPED: no tshark");
        return None;
    };
    child.stdin.take().unwrap().write_all(capture).unwrap();
    let output = child.wait_with_output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn tshark_reads_the_pcapng() {
    let fields = [
        "frame.time_epoch",
        "frame.len",
        "frame.cap_len",
        "frame.interface_name",
        "frame.packet_flags_direction",
        "frame.comment",
        "ip.dst",
    ];
    if let Some(seen) = tshark(&pcapng(), &fields) {
        insta::assert_snapshot!(seen, @r"
1700000000.000000001|28|28|eth0|0x00000001||192.0.2.2
1700000001.999999999|1500|28|unknown|0x00000002|DROP by filter INPUT rule 3 (λ)|192.0.2.2
");
    }
}

#[test]
fn tshark_reads_the_pcap() {
    if let Some(seen) = tshark(
        &pcap(),
        &["frame.time_epoch", "frame.len", "frame.cap_len", "ip.dst"],
    ) {
        insta::assert_snapshot!(seen, @r"
1700000000.000000001|28|28|192.0.2.2
1700000001.999999999|1500|28|192.0.2.2
");
    }
}
