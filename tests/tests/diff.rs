use std::fs;

use crate::common::{Netverdict, root};
use crate::formats::validator;

const PAIRS: [&str; 3] = ["home-router", "office-gateway", "single-server"];

/// A scene's rules against their change, under the scene's captures.
fn diff(pair: &str) -> Netverdict {
    let code = i32::from(pair != "office-gateway");
    Netverdict::new([
        "diff",
        &format!("fixtures/{pair}/bundle"),
        &format!("fixtures/pairs/{pair}/new"),
        &format!("fixtures/{pair}/captures"),
    ])
    .code(code)
}

#[test]
fn each_pair_has_its_reviewed_difference() {
    for pair in PAIRS {
        insta::assert_snapshot!(format!("diff_{pair}"), diff(pair).stdout());
    }
}

#[test]
fn every_pair_is_compared() {
    let folders = fs::read_dir(root().join("fixtures/pairs")).unwrap();
    let mut folders: Vec<_> = folders
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, PAIRS);
}

#[test]
fn markdown_is_the_reviewed_one() {
    for pair in ["home-router", "office-gateway"] {
        let text = diff(pair).args(["--format", "markdown"]).stdout();
        insta::assert_snapshot!(format!("markdown_{pair}"), text);
    }
}

#[test]
fn junit_has_a_failed_test_for_each_cause() {
    let text = diff("single-server").args(["--format", "junit"]).stdout();
    assert_eq!(text.matches("<failure").count(), 2, "{text}");
    insta::assert_snapshot!(text);
    let text = diff("office-gateway").args(["--format", "junit"]).stdout();
    assert!(text.contains("name=\"no packet changes\""), "{text}");
}

#[test]
fn json_keeps_to_its_schema() {
    let validator = validator("netverdict.diff-1.schema.json");
    for pair in PAIRS {
        let document = diff(pair).args(["--format", "json"]).json();
        assert_eq!(document["schema"], "netverdict.diff/1");
        if let Err(error) = validator.validate(&document) {
            panic!("{pair}: {error}");
        }
        let causes = document["causes"].as_array().unwrap();
        let sum = |key: &str| causes.iter().map(|c| c[key].as_u64().unwrap()).sum::<u64>();
        assert_eq!(document["changed"]["packets"], sum("packets"), "{pair}");
        assert_eq!(document["changed"]["flows"], sum("flows"), "{pair}");
    }
    let mut document = diff("single-server").args(["--format", "json"]).json();
    document.as_object_mut().unwrap().remove("compared");
    assert!(!validator.is_valid(&document));
}

#[test]
fn the_difference_does_not_depend_on_the_number_of_threads() {
    for pair in PAIRS {
        let run = |threads| diff(pair).args(["--threads", threads]).stdout();
        assert_eq!(run("1"), run("4"), "{pair}");
    }
}

#[test]
fn a_host_does_not_differ_from_itself() {
    for scene in crate::common::SCENES {
        let host = format!("fixtures/{scene}/bundle");
        let captures = format!("fixtures/{scene}/captures");
        let text = Netverdict::new(["diff", &host, &host, &captures]).stdout();
        assert!(text.contains("No packet changes\n  compared "), "{text}");
    }
}

const OLD: &str = "*filter
:INPUT DROP [0:0]
-A INPUT -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -p udp -m udp --dport 123 -j ACCEPT
COMMIT
";

/// OLD from standard input against NEW, under datagrams to these ports.
fn changed(old: &str, new: &str, ports: &[u16]) -> (tempfile::TempDir, Netverdict) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("new"), new).unwrap();
    fs::write(folder.path().join("c.pcap"), capture(ports)).unwrap();
    let run = Netverdict::new([
        "diff",
        "-",
        "new",
        "c.pcap",
        "--local",
        "203.0.113.1/24@eth0",
    ]);
    let run = run
        .args(["--iface", "eth0"])
        .stdin(old)
        .within(folder.path());
    (folder, run)
}

/// A pcap of one datagram to each port, from as many clients.
fn capture(ports: &[u16]) -> Vec<u8> {
    let mut file = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101]
        .map(u32::to_le_bytes)
        .concat();
    for (port, client) in ports.iter().zip(0_u16..) {
        let [high, low] = client.to_be_bytes();
        let mut packet = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend([198, 51, high, low, 203, 0, 113, 1]);
        packet.extend(4000_u16.to_be_bytes());
        packet.extend(port.to_be_bytes());
        packet.extend([0, 12, 0, 0, 1, 2, 3, 4]);
        let sum: u32 = packet[..20]
            .chunks(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum();
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        let record = [1_772_438_400 + u32::from(client), 0, 32, 32];
        file.extend(record.map(u32::to_le_bytes).concat());
        file.extend(packet);
    }
    file
}

#[test]
fn a_thousand_flows_with_one_cause_are_one_line() {
    let new = OLD.replace("-A INPUT -p udp -m udp --dport 123 -j ACCEPT\n", "");
    let ports: Vec<u16> = (0..1500)
        .map(|n| if n % 3 == 0 { 53 } else { 123 })
        .collect();
    let (_folder, run) = changed(OLD, &new, &ports);
    let document = run.args(["--format", "json"]).code(1).json();
    let causes = document["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1, "{document}");
    assert_eq!(causes[0]["flows"], 1000);
    assert_eq!(causes[0]["first"]["packet"], 2);
    assert_eq!(causes[0]["old"]["rule"]["line"], 4);
    assert_eq!(causes[0]["new"]["rule"]["number"], "policy");
    assert_eq!(document["rules"]["lost"][0]["old"], 1000);
}

#[test]
fn a_rule_that_moves_is_a_change_only_if_rules_are_taken_strictly() {
    let mut lines: Vec<&str> = OLD.lines().collect();
    lines.swap(2, 3);
    let new = lines.join("\n") + "\n";
    let (_folder, run) = changed(OLD, &new, &[53, 123]);
    let text = run.stdout();
    assert!(
        text.contains("2 kept, 1 of them moved, 0 added, 0 removed"),
        "{text}"
    );
    let (_folder, run) = changed(OLD, &new, &[53, 123]);
    let text = run.args(["--strict-rules"]).code(1).stdout();
    assert!(
        text.contains("ACCEPT local, other deciding rule  1 flow, 1 packet"),
        "{text}"
    );
}

#[test]
fn only_what_is_asked_for_is_compared() {
    let new = OLD.replace("--dport 53 -j", "--dport 53 -m comment --comment names -j");
    let (_folder, run) = changed(OLD, &new, &[53, 53, 123]);
    assert!(
        run.code(1)
            .stdout()
            .contains("Changes  2 packets of 2 flows, 1 cause")
    );
    let (_folder, run) = changed(OLD, &new, &[53, 53, 123]);
    let text = run.args(["--only", "verdict,fate"]).stdout();
    assert!(text.contains("by verdict, fate\n"), "{text}");
}

#[test]
fn captures_apart_meet_fresh_hosts() {
    let limited = OLD.replace(
        "--dport 53 -j",
        "--dport 53 -m limit --limit 1/hour --limit-burst 1 -j",
    );
    let packets = |separate: &[&str]| {
        let (folder, run) = changed(OLD, &limited, &[53]);
        fs::copy(folder.path().join("c.pcap"), folder.path().join("d.pcap")).unwrap();
        let code = i32::from(separate.is_empty());
        let run = run
            .args(["d.pcap", "--format", "json"])
            .args(separate)
            .code(code);
        let document = run.args(["--only", "verdict"]).json();
        document["changed"]["packets"].as_u64().unwrap()
    };
    // Together the second meets a limit that the first used up; apart each is the first.
    assert_eq!(packets(&[]), 1);
    assert_eq!(packets(&["--separate"]), 0);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let run = Netverdict::new(["diff", "-", "-", "fixtures/single-server/captures"]);
    let text = run.code(2).stderr();
    assert!(text.contains("give one of the hosts as `-`"), "{text}");
    let run = Netverdict::new([
        "diff",
        "fixtures/single-server/bundle",
        "nothing",
        "fixtures",
    ]);
    assert!(run.code(2).output().stdout.is_empty());
    let (_folder, run) = changed(OLD, "*filter\n-A INPUT --nonsense\nCOMMIT\n", &[53]);
    assert!(run.code(2).stderr().contains("--> new:2:"));
}

#[test]
fn a_packet_that_may_not_be_unknown_ends_the_comparison() {
    let owner = OLD.replace("-p udp -m udp --dport 53", "-m set --match-set friends src");
    let (_folder, run) = changed(OLD, &owner, &[53]);
    let text = run.args(["--unknown", "fail"]).code(2).stderr();
    assert!(text.contains("new line 3 (filter INPUT 1)"), "{text}");
}
