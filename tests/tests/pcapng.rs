use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{SCENES, program, replay, root};

/// What tshark reads in a file, one line a packet.
fn tshark(path: &Path, fields: &[&str], filter: &str) -> Option<Vec<String>> {
    let Some(tshark) = program(&["tshark"]) else {
        println!("skipped: tshark is not installed");
        return None;
    };
    let mut command = Command::new(tshark);
    command
        .arg("-n")
        .arg("-r")
        .arg(path)
        .args(["-T", "fields", "-E", "separator=|"]);
    for field in fields {
        command.args(["-e", field]);
    }
    if !filter.is_empty() {
        command.args(["-Y", filter]);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(str::to_owned).collect())
}

fn annotated(scene: &str, folder: &Path) -> std::path::PathBuf {
    let path = folder.join(format!("{scene}.pcapng"));
    replay(scene)
        .args(["--format", "pcapng", "-o", path.to_str().unwrap()])
        .output();
    path
}

#[test]
fn tshark_reads_every_verdict_and_the_same_packets() {
    let folder = tempfile::tempdir().unwrap();
    for scene in SCENES {
        let path = annotated(scene, folder.path());
        let captures = root().join("fixtures").join(scene).join("captures");
        let original = fs::read_dir(captures)
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let same = [
            "frame.time_epoch",
            "frame.len",
            "frame.cap_len",
            "frame.interface_name",
            "frame.encap_type",
        ];
        let Some(before) = tshark(&original, &same, "") else {
            return;
        };
        assert_eq!(Some(before), tshark(&path, &same, ""), "{scene}");
        let comments = tshark(&path, &["frame.comment"], "").unwrap();
        let packets = replay(scene).args(["--format", "packets"]).lines();
        assert_eq!(comments.len(), packets.len(), "{scene}");
        for (comment, packet) in comments.iter().zip(&packets) {
            let (verdict, fate) = (
                packet["verdict"].as_str().unwrap(),
                packet["fate"].as_str().unwrap(),
            );
            assert!(
                comment.starts_with(&format!("netverdict: {verdict} {fate}")),
                "{scene}: {comment}"
            );
        }
    }
}

#[test]
fn each_colouring_rule_is_a_filter_that_tshark_takes() {
    let folder = tempfile::tempdir().unwrap();
    let path = annotated("single-server", folder.path());
    let rules = fs::read_to_string(root().join("share/wireshark/netverdict.colorfilters")).unwrap();
    let rules = rules.lines().filter(|line| !line.starts_with('#'));
    let mut coloured = 0;
    for rule in rules {
        let filter = rule
            .split('@')
            .nth(2)
            .expect("@name@filter@[background][text]");
        let Some(packets) = tshark(&path, &["frame.number"], filter) else {
            return;
        };
        coloured += packets.len();
    }
    let packets = tshark(&path, &["frame.number"], "").unwrap();
    assert_eq!(coloured, packets.len(), "each packet has one colour");
}

#[test]
fn the_annotated_capture_is_the_same_capture() {
    let folder = tempfile::tempdir().unwrap();
    let path = annotated("office-gateway", folder.path());
    let again = crate::common::Netverdict::new([
        "replay",
        "fixtures/office-gateway/bundle",
        path.to_str().unwrap(),
        "--format",
        "packets",
    ]);
    let (mut again, mut first) = (
        again.lines(),
        replay("office-gateway")
            .args(["--format", "packets"])
            .lines(),
    );
    for line in again.iter_mut().chain(&mut first) {
        line["file"] = serde_json::Value::Null;
        line["evidence"]["file"] = serde_json::Value::Null;
    }
    assert_eq!(again, first);
}

#[test]
fn several_captures_keep_their_interfaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.pcapng");
    crate::common::Netverdict::new([
        "replay",
        "fixtures/single-server/bundle",
        "fixtures/single-server/captures/traffic.pcapng",
        "fixtures/office-gateway/captures/all-sides.pcapng",
        "--format",
        "pcapng",
        "-o",
        path.to_str().unwrap(),
    ])
    .output();
    let Some(names) = tshark(&path, &["frame.interface_name"], "") else {
        return;
    };
    let names: std::collections::BTreeSet<_> = names.into_iter().collect();
    assert!(names.len() > 1, "{names:?}");
}
