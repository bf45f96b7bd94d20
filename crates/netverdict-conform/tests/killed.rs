//! A rig that is killed leaves nothing: its namespace, devices and children go with it.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use netverdict_conform::Case;
use netverdict_conform::kernel::Namespace;
use netverdict_conform::rig::Rig;
use netverdict_forge::random::Vocabulary;
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

const WORKER: &str = "NETVERDICT_RIG_WORKER";

/// Another part that gets killed: builds hosts, loads dumps and injects packets until then.
#[test]
fn worker() {
    if std::env::var_os(WORKER).is_none() {
        return;
    }
    println!("\nat work");
    for seed in 0.. {
        if let Err(error) = Case::draw(seed, &Vocabulary::all())
            && error.is_missing()
        {
            println!("\nmissing {error}");
            return;
        }
    }
}

/// What a process has at one moment: network namespaces that are not ours, and children.
#[derive(Debug)]
struct Held {
    namespaces: Vec<String>,
    children: Vec<u32>,
}

impl Held {
    /// Of a stopped process.
    fn by(process: u32) -> Self {
        let ours = std::fs::read_link("/proc/self/ns/net").unwrap();
        let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
        let links = tasks.filter_map(|t| std::fs::read_link(t.ok()?.path().join("ns/net")).ok());
        let foreign = links.filter(|link| *link != ours);
        let processes = std::fs::read_dir("/proc").unwrap();
        let numbers = processes.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok());
        Self {
            namespaces: foreign.map(|l| l.display().to_string()).collect(),
            children: numbers.filter(|n| parent(*n) == Some(process)).collect(),
        }
    }

    fn is_gone(&self) -> bool {
        let lives = |child: &u32| parent(*child).is_some();
        self.namespaces.iter().all(|ns| holders(ns) == 0) && !self.children.iter().any(lives)
    }
}

/// The parent of a process that is no zombie.
fn parent(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let state = words.next()?;
    (state != "Z").then(|| words.next()?.parse().ok())?
}

fn signal(name: &str, process: u32) {
    let process = process.to_string();
    let sent = Command::new("kill").args(["-s", name, &process]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn nothing_is_left_of_a_run_killed_at_any_moment() {
    const MOMENTS: u64 = 15;
    let (mut namespaces, mut children) = (0, 0);
    for (moment, name) in (0..MOMENTS).zip(["KILL", "TERM", "INT"].into_iter().cycle()) {
        // Who starts the tests in the background has them ignore INT.
        let mut child = Command::new("env")
            .arg("--default-signal=INT,TERM")
            .arg(std::env::current_exe().unwrap())
            .args(["worker", "--exact", "--nocapture"])
            .env(WORKER, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "at work"));
        // Early ones meet the building of a host, later ones its packets.
        std::thread::sleep(std::time::Duration::from_millis(moment * 17));
        if let Some(status) = child.try_wait().unwrap() {
            eprintln!("SKIPPED: the rig cannot run here ({status})");
            return;
        }
        signal("STOP", child.id());
        std::thread::sleep(std::time::Duration::from_millis(20));
        let held = Held::by(child.id());
        namespaces += held.namespaces.len();
        children += held.children.len();
        signal(name, child.id());
        if name != "KILL" {
            signal("CONT", child.id());
        }
        assert!(!child.wait().unwrap().success());
        // A namespace and a killed child go a moment after the process.
        let patience = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            held.is_gone()
        });
        assert!(patience, "left after {name} at moment {moment}: {held:?}");
    }
    eprintln!("killed with {namespaces} namespaces and {children} children");
    assert!(namespaces > 0, "no moment met a namespace");
}
