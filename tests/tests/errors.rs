use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::common::{Netverdict, root};

const BUNDLE: &str = "fixtures/single-server/bundle";
const CAPTURE: &str = "fixtures/single-server/captures/traffic.pcapng";

/// A folder of inputs, with `[DIR]` for its path in messages.
struct Inputs(TempDir);

impl Inputs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir(&path).unwrap();
        path
    }

    /// What is said about the inputs, with exit code 2.
    fn complaint(&self, host: &Path, capture: &Path) -> String {
        let run = Netverdict::new(["replay".as_ref(), host.as_os_str(), capture.as_os_str()]);
        run.code(2)
            .stderr()
            .replace(self.0.path().to_str().unwrap(), "[DIR]")
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("gzip is installed");
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn each_unreadable_input_has_one_clear_message() {
    let inputs = Inputs::new();
    let (bundle, capture) = (root().join(BUNDLE), root().join(CAPTURE));
    let zipped = gzip(&fs::read(&capture).unwrap());
    let empty = inputs.file("empty", "");
    let text = inputs.file("text", "hello\n");
    let without_dump = inputs.folder("without-dump");
    let without_captures = inputs.folder("without-captures");
    let cases = [
        ("empty file as capture", bundle.clone(), empty.clone()),
        ("empty file as dump", empty, capture.clone()),
        ("text as capture", bundle.clone(), text.clone()),
        ("text as dump", text, capture.clone()),
        (
            "dump as capture",
            bundle.clone(),
            bundle.join("iptables-save"),
        ),
        ("capture as dump", capture.clone(), capture.clone()),
        (
            "gzip cut in its header",
            bundle.clone(),
            inputs.file("header.gz", &zipped[..8]),
        ),
        (
            "gzip cut in its data",
            bundle.clone(),
            inputs.file("data.gz", &zipped[..zipped.len() / 2]),
        ),
        ("directory without dumps", without_dump, capture.clone()),
        (
            "directory without captures",
            bundle.clone(),
            without_captures,
        ),
        ("no such dump", inputs.0.path().join("nothing"), capture),
        ("no such capture", bundle, inputs.0.path().join("nothing")),
    ];
    let complaints = cases
        .map(|(case, host, capture)| format!("{case}:\n{}", inputs.complaint(&host, &capture)));
    insta::assert_snapshot!(complaints.join("\n"));
}

#[test]
fn what_may_not_be_read_is_named() {
    let inputs = Inputs::new();
    let bundle = root().join(BUNDLE);
    let capture = inputs.file("capture", fs::read(root().join(CAPTURE)).unwrap());
    let mut permissions = fs::metadata(&capture).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0);
    fs::set_permissions(&capture, permissions).unwrap();
    if fs::File::open(&capture).is_ok() {
        println!("SKIPPED: this user may read everything");
        return;
    }
    let complaint = inputs.complaint(&bundle, &capture);
    assert_eq!(
        complaint,
        "error: cannot open [DIR]/capture: permission denied\n"
    );
}

#[test]
fn a_cut_capture_is_read_as_far_as_it_goes() {
    let inputs = Inputs::new();
    let bytes = fs::read(root().join(CAPTURE)).unwrap();
    let cut = inputs.file("cut.pcapng", &bytes[..bytes.len() - 10]);
    let whole = Netverdict::new(["replay", BUNDLE, CAPTURE, "--format", "json"]).json();
    let report =
        Netverdict::new(["replay", BUNDLE, cut.to_str().unwrap(), "--format", "json"]).json();
    assert_eq!(report["frames"], whole["frames"].as_u64().unwrap() - 1);
    assert!(report["warnings"][0].as_str().unwrap().contains("cut off"));
}

#[test]
fn a_cut_gzip_is_an_error_and_loses_nothing() {
    let inputs = Inputs::new();
    let zipped = gzip(&fs::read(root().join(CAPTURE)).unwrap());
    let cut = inputs.file("cut.gz", &zipped[..zipped.len() - 100]);
    let run =
        Netverdict::new(["replay", BUNDLE, cut.to_str().unwrap(), "--format", "json"]).code(2);
    let report = run.json();
    assert!(report["frames"].as_u64().unwrap() > 50);
}

#[test]
fn each_bad_line_of_a_dump_is_shown() {
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --bogus\n-A INPUT -j NOWHERE\n-A INPUT -p tcp -m tcp --dport 99999 -j DROP\nCOMMIT\n";
    insta::assert_snapshot!(
        Netverdict::new(["replay", "-", CAPTURE])
            .stdin(dump)
            .code(2)
            .stderr()
    );
}

#[test]
fn lenient_leaves_bad_lines_out_and_says_so() {
    let dump = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --bogus\n-A INPUT -j DROP\nCOMMIT\n";
    let run = Netverdict::new(["replay", "-", CAPTURE, "--lenient", "--format", "json"]);
    let report = run.stdin(dump).json();
    let left_out = report["assumptions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["subject"] == "left-out");
    assert!(
        left_out.unwrap()["text"]
            .as_str()
            .unwrap()
            .contains("--bogus")
    );
    assert_eq!(report["rules"][0]["text"], "-A INPUT -j DROP");
}

#[test]
fn bad_usage_is_named() {
    let cases: [&[&str]; 13] = [
        &["replay", BUNDLE],
        &["replay", "-", "-"],
        &["replay", BUNDLE, CAPTURE, "--format", "htm"],
        &["replay", BUNDLE, CAPTURE, "--local", "192.0.2"],
        &["replay", BUNDLE, CAPTURE, "--set", "forward"],
        &["replay", BUNDLE, CAPTURE, "--iface", "averylonginterface"],
        &["replay", BUNDLE, CAPTURE, "-o", "/nowhere/at/all"],
        &["replay", BUNDLE, CAPTURE, "--hz", "fast"],
        &["replay", BUNDLE, CAPTURE, "--seed", "-1"],
        &["replay", BUNDLE, CAPTURE, "--threads", "0"],
        &["trace", BUNDLE, CAPTURE, "--packet", "none"],
        &["trace", BUNDLE, CAPTURE, "--packet", "1000"],
        &[
            "trace",
            BUNDLE,
            "--send",
            "in eth0 tpc 192.0.2.1:1 > 192.0.2.2:2",
        ],
    ];
    let complaints = cases.map(|args| {
        format!(
            "netverdict {}\n{}",
            args.join(" "),
            Netverdict::new(args).code(2).stderr()
        )
    });
    insta::assert_snapshot!(complaints.join("\n"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let binary = env!("CARGO_BIN_EXE_netverdict-under-test");
    let script = format!(
        "{{ {binary} replay {BUNDLE} {CAPTURE} --format packets; echo $? >&2; }} | head -n 1 >/dev/null"
    );
    let shell = Command::new("sh")
        .args(["-c", &script])
        .current_dir(root())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&shell.stderr), "0\n");
}
