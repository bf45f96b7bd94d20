use std::fs;

use crate::common::{Netverdict, root};

const COMMANDS: [&str; 8] = [
    "replay", "trace", "diff", "test", "fmt", "conform", "collect", "demo",
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
