//! The kernel here against the model, as a user asks for it.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::cases::kernel;
use crate::common::{Netverdict, root};
use crate::formats::validator;

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
    insta::assert_snapshot!(conform("hardened-ssh").stdout(), @"kernel and model agree on every counter, fate and connection of 92 packets");
}

#[test]
fn agreement_is_a_document_and_a_passed_test() {
    if skipped() {
        return;
    }
    let document = conform("hardened-ssh").args(["--format", "json"]).json();
    assert_eq!(document["schema"], "netverdict.conform/1");
    assert_eq!(document["agree"], true, "{document}");
    assert_eq!(document["packets"], 92);
    if let Err(error) = validator("netverdict.conform-1.schema.json").validate(&document) {
        panic!("{error}");
    }
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
    // Not by this process: another thread's child could hold the file open for writing while it is to run.
    let original = env!("CARGO_BIN_EXE_netverdict-under-test");
    let copied = Command::new("cp").arg(original).arg(&binary).status();
    assert!(copied.unwrap().success());
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

/// Processes that run with this in their surroundings. A namespace that nothing is bound to lives no longer than they do.
fn marked(mark: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let found = processes.filter_map(|entry| {
        let place = entry.ok()?.path();
        let surroundings = std::fs::read(place.join("environ")).ok()?;
        let said = String::from_utf8_lossy(&surroundings).contains(mark);
        said.then(|| std::fs::read_to_string(place.join("comm")).unwrap_or_default())
    });
    found.collect()
}

/// What outlives processes: bound namespaces, and devices of the machine's own namespace.
fn lasting() -> (Vec<String>, Vec<String>) {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let bound = mounts.lines().filter(|line| line.contains("nsfs"));
    let devices = std::fs::read_dir("/sys/class/net").unwrap();
    let mut devices: Vec<String> = devices
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    devices.sort_unstable();
    (bound.map(str::to_owned).collect(), devices)
}

#[test]
fn killed_at_any_moment_it_leaves_nothing() {
    const MARK: &str = "NETVERDICT_TO_BE_KILLED";
    if skipped() {
        return;
    }
    let before = lasting();
    let folder = root().join("fixtures/office-gateway");
    for moment in [0, 3, 10, 25, 40, 60, 90, 130, 180, 250, 350] {
        let mark = format!("{MARK}={moment}-{}", std::process::id());
        let (name, value) = mark.split_once('=').unwrap();
        let mut run = Command::new(env!("CARGO_BIN_EXE_netverdict-under-test"))
            .arg("conform")
            .args([folder.join("bundle"), folder.join("captures")])
            .env(name, value)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(moment));
        run.kill().unwrap();
        run.wait().unwrap();
        const PATIENCE: usize = 2000;
        let gone = (0..PATIENCE).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            marked(&mark).is_empty()
        });
        assert!(gone, "killed after {moment} ms: {:?}", marked(&mark));
    }
    assert_eq!(lasting(), before);
}
