use std::fs;

use netverdict_capture::{Direction, FrameOut, InterfaceOut, LinkType, PcapngWriter};
use netverdict_forge::wire::{Ip, Layer4, Segment, flag, packet};
use netverdict_net::Timestamp;

use crate::common::Netverdict;

const RULES: &str = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -p tcp -m conntrack --ctstate NEW -j ACCEPT\nCOMMIT\n";

/// A SYN that came in by a virtual device with this in its checksum field, and the state that it is in.
fn state(field: u16, checksums: &str) -> String {
    let syn = Layer4::Tcp(Segment {
        source_port: 49_152,
        destination_port: 80,
        seq: 1,
        flags: flag::SYN,
        window: 64_240,
        ..Segment::default()
    });
    let (from, to) = ("192.0.2.2".parse().unwrap(), "192.0.2.1".parse().unwrap());
    let mut bytes = packet(Ip::new(from, to), &syn);
    bytes[36..38].copy_from_slice(&field.to_be_bytes());
    let folder = tempfile::tempdir().unwrap();
    let (dump, capture) = (
        folder.path().join("host.rules"),
        folder.path().join("c.pcapng"),
    );
    fs::write(&dump, RULES).unwrap();
    let mut writer = PcapngWriter::new(fs::File::create(&capture).unwrap(), "tests").unwrap();
    let interface = InterfaceOut::new(Some("eth0"), LinkType::RAW);
    writer.interface(&interface).unwrap();
    let frame = FrameOut {
        direction: Some(Direction::In),
        ..FrameOut::new(Timestamp::new(1_772_438_400, 0), &bytes)
    };
    writer.write(0, &frame).unwrap();
    std::io::Write::flush(&mut writer.finish()).unwrap();
    let run = Netverdict::new(["replay", "--no-config", "--format", "packets"]);
    let run = run.args([&dump, &capture]);
    let lines = run
        .args(["--local", "192.0.2.1/24@eth0", "--checksums", checksums])
        .lines();
    lines[0]["state"].as_str().unwrap().to_owned()
}

/// The sum of the pseudo-header alone is what a sender leaves to its device; tracking on the other end of a virtual wire
/// takes it for right, as for every segment that the kernel merged.
#[test]
fn a_pending_checksum_is_believed_and_a_wrong_one_is_not() {
    const PENDING: u16 = 0x841e;
    assert_eq!(state(PENDING, "auto"), "NEW");
    assert_eq!(state(PENDING, "verify"), "INVALID");
    assert_eq!(state(PENDING ^ 1, "auto"), "INVALID");
    assert_eq!(state(PENDING ^ 1, "trust"), "NEW");
}
