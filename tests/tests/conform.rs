//! The kernel here against the model, as a user asks for it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::cases::kernel;
use crate::common::{Netverdict, root};

fn conform(scene: &str) -> Netverdict {
    let folder = root().join("fixtures").join(scene);
    Netverdict::new(["conform"]).args([folder.join("bundle"), folder.join("captures")])
}

/// Says why the kernel cannot be asked, if it cannot.
fn skipped() -> bool {
    let lacks = kernel::lacks();
    if let Some(why) = &lacks {
        println!("SKIPPED: the kernel was not asked: {why}");
    }
    lacks.is_some()
}

#[test]
fn agreement_is_one_line() {
    if skipped() {
        return;
    }
    insta::assert_snapshot!(conform("office-gateway").stdout(), @"kernel and model agree on every counter, fate and connection of 105 packets");
}

#[test]
fn agreement_is_a_document_and_a_passed_test() {
    if skipped() {
        return;
    }
    let document = conform("hardened-ssh").args(["--format", "json"]).json();
    assert_eq!(document["agree"], true, "{document}");
    assert_eq!(document["packets"], 92);
    let junit = conform("home-router").args(["--format", "junit"]).stdout();
    assert!(junit.contains("failures=\"0\""), "{junit}");
}

/// A set that the model is not told of but the kernel needs cannot be loaded: one clear message, not a wrong answer.
#[test]
fn a_dump_that_the_kernel_refuses_is_named() {
    if skipped() {
        return;
    }
    let folder = root().join("fixtures/hardened-ssh");
    let run = Netverdict::new(["conform"])
        .args([folder.join("bundle/iptables-save"), folder.join("captures")])
        .code(2);
    let said = run.stderr();
    assert!(said.contains("refused the dump"), "{said}");
}

#[test]
fn an_ordinary_user_is_told_what_is_missing() {
    if skipped() {
        return;
    }
    let folder = root().join("fixtures/single-server");
    // The binary is copied where anybody may run it; the build folder may be closed to others.
    let place = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place.path(), open).unwrap();
    let binary = place.path().join("netverdict");
    std::fs::copy(env!("CARGO_BIN_EXE_netverdict-under-test"), &binary).unwrap();
    let copy = |name: &str, from: &str| {
        let to = place.path().join(name);
        std::fs::copy(folder.join(from), &to).unwrap();
        to
    };
    let rules = copy("rules", "bundle/iptables-save");
    let capture = copy("capture", "captures/traffic.pcapng");
    let output = Command::new(&binary)
        .arg("conform")
        .args([rules, capture])
        .uid(65534)
        .gid(65534)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("needs root"), "{said}");
}
