//! A rig that is killed leaves nothing: its namespace, devices and children go with it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use netverdict_conform::kernel::Namespace;
use netverdict_conform::rig::Rig;
use netverdict_host::{HostFacts, Interface};
use netverdict_net::InterfaceName;

const VICTIM: &str = "NETVERDICT_RIG_VICTIM";

/// The part that gets killed: run by the test below in a process of its own.
#[test]
fn victim() {
    if std::env::var_os(VICTIM).is_none() {
        return;
    }
    let facts = HostFacts {
        interfaces: vec![Interface::new(InterfaceName::new("victim0").unwrap())],
        ..HostFacts::default()
    };
    let outcome = Namespace::isolated(|inside| {
        let _rig = Rig::build(inside, &facts)?;
        let link = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        println!("\nnamespace {}", link.display());
        std::thread::sleep(std::time::Duration::from_mins(1));
        Ok(())
    });
    if let Err(error) = outcome {
        println!("\nmissing {error}");
    }
}

fn holders(namespace: &str) -> usize {
    let tasks = std::fs::read_dir("/proc").unwrap();
    tasks
        .filter_map(|entry| std::fs::read_dir(entry.ok()?.path().join("task")).ok())
        .flatten()
        .filter_map(|task| std::fs::read_link(task.ok()?.path().join("ns/net")).ok())
        .filter(|link| link.to_str() == Some(namespace))
        .count()
}

#[test]
fn nothing_is_left_of_a_killed_rig() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["victim", "--exact", "--nocapture"])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines
        .map_while(Result::ok)
        .find(|line| line.starts_with("namespace ") || line.starts_with("missing "))
        .unwrap();
    let Some(namespace) = said.strip_prefix("namespace ") else {
        eprintln!("SKIPPED: {said}");
        child.wait().unwrap();
        return;
    };
    assert_eq!(holders(namespace), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(holders(namespace), 0);
    let devices = std::fs::read_to_string("/proc/net/dev").unwrap();
    assert!(!devices.contains("victim0"));
}
