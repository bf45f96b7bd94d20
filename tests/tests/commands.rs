use std::fs;

use crate::common::{Netverdict, root};

const COMMANDS: [&str; 11] = [
    "replay",
    "trace",
    "diff",
    "test",
    "audit",
    "lint",
    "fmt",
    "conform",
    "extensions",
    "collect",
    "demo",
];

#[test]
fn help_is_the_reviewed_one() {
    insta::assert_snapshot!("help", Netverdict::new(["--help"]).stdout());
    for command in COMMANDS {
        insta::assert_snapshot!(
            format!("help_{command}"),
            Netverdict::new([command, "--help"]).stdout()
        );
    }
}

#[test]
fn every_command_is_completed() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Netverdict::new(["completions", shell]).stdout();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    Netverdict::new(["man".as_ref(), folder.path().as_os_str()]).output();
    for command in COMMANDS {
        let page =
            fs::read_to_string(folder.path().join(format!("netverdict-{command}.1"))).unwrap();
        assert!(page.contains("Examples"), "{command}");
    }
}

#[test]
fn the_script_of_collect_is_a_shell_script() {
    let script = Netverdict::new(["collect"]).stdout();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collect.sh");
    fs::write(&path, script).unwrap();
    let checked = std::process::Command::new("sh")
        .arg("-n")
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}

#[test]
fn what_is_not_of_a_host_is_the_reviewed_one() {
    insta::assert_snapshot!("collect", Netverdict::new(["collect"]).stdout());
    insta::assert_snapshot!("demo", Netverdict::new(["demo"]).stdout());
    let packets = Netverdict::new(["demo", "--format", "packets"]).stdout();
    let first: Vec<_> = packets.lines().take(4).collect();
    insta::assert_snapshot!("demo_packets", first.join("\n"));
    insta::assert_snapshot!("extensions", Netverdict::new(["extensions"]).stdout());
}

#[test]
fn dumps_are_printed_as_the_reviewed_ones() {
    for host in ["docker-host/bundle", "ipv6-host/bundle", "findings/tidied"] {
        let text = Netverdict::new(["fmt", &format!("fixtures/{host}")]).stdout();
        let name = host.split('/').next_back().filter(|n| *n != "bundle");
        let name = name.unwrap_or_else(|| host.split('/').next().unwrap());
        insta::assert_snapshot!(format!("fmt_{name}"), text);
    }
}

#[test]
fn a_word_that_is_nearly_right_is_named() {
    let said = |args: &[&str]| Netverdict::new(args).code(2).stderr();
    assert!(said(&["replya"]).contains("'replay'"));
    assert!(said(&["lint", "x", "--fail-onn", "error"]).contains("'--fail-on'"));
    let dump =
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m conntrac --ctstate NEW -j ACCEPT\nCOMMIT\n";
    let text = Netverdict::new(["lint", "-"]).stdin(dump).code(2).stderr();
    assert!(text.contains("conntrack"), "{text}");
    let text = said(&["lint", "fixtures/single-servr/bundle"]);
    assert!(text.contains("fixtures/single-server"), "{text}");
}

#[test]
fn the_demo_runs_by_itself() {
    let report = Netverdict::new(["demo", "--format", "json"]).json();
    assert!(report["frames"].as_u64().unwrap() > 0);
    assert_eq!(report["evidence"]["contradicted"], 0);
}

#[test]
fn fmt_prints_what_it_accepts() {
    let dump =
        "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT --protocol tcp --dport ssh --jump ACCEPT\nCOMMIT\n";
    let canonical = Netverdict::new(["fmt", "-"]).stdin(dump).stdout();
    assert!(
        canonical.contains("\n[0:0] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"),
        "{canonical}"
    );
    Netverdict::new(["fmt", "-", "--check"])
        .stdin(dump)
        .code(1)
        .output();
    Netverdict::new(["fmt", "-", "--check"])
        .stdin(canonical)
        .output();
}

#[test]
fn fmt_may_write_over_what_it_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules");
    fs::copy(
        root().join("fixtures/single-server/bundle/iptables-save"),
        &path,
    )
    .unwrap();
    let path = path.to_str().unwrap();
    Netverdict::new(["fmt", path, "-o", path]).output();
    Netverdict::new(["fmt", "--check", path]).output();
}
