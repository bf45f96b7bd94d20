//! Real dumps with traffic aimed at their own interfaces, addresses and ports, and with real captures.
//! `NETVERDICT_CORPUS` says where they are, `NETVERDICT_DUMPS=1` takes every dump, not a sample.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "given/capture.rs"]
mod capture;
#[path = "given/host.rs"]
mod given;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use capture::open;
use netverdict_bundle::{Overrides, infer};
use netverdict_conform::random::{judge, smallest};
use netverdict_conform::rig::{Backend, Pace};
use netverdict_conform::{Case, ConformError, RigError, conform};
use netverdict_engine::Config;
use netverdict_forge::random::{Network, Vocabulary};
use netverdict_net::{Family, InterfaceName};
use netverdict_replay::{Setup, survey};

fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("NETVERDICT_CORPUS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let path = given.unwrap_or_else(beside);
    path.join("MANIFEST.tsv").is_file().then_some(path)
}

/// The dumps that a kernel takes, with their family.
fn dumps(corpus: &std::path::Path) -> Vec<(String, Family, String)> {
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap_or_default();
    let mut lines = manifest.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap_or(usize::MAX);
    let (kind, loads) = (column("kind"), column("legacy_kernel_load"));
    let family = |kind: &str| match kind {
        "iptables-save" => Some(Family::V4),
        "ip6tables-save" => Some(Family::V6),
        _ => None,
    };
    lines
        .filter(|l| l.get(loads).is_some_and(|w| w.starts_with("loads")))
        .filter_map(|l| {
            let family = family(l.get(kind)?)?;
            let bytes = std::fs::read(corpus.join(l.first()?)).ok()?;
            Some((
                (*l.first()?).to_owned(),
                family,
                String::from_utf8(bytes).ok()?,
            ))
        })
        .collect()
}

/// The interfaces, addresses and ports that the rules name.
fn network(text: &str) -> Network {
    let (mut names, mut addresses, mut ports) = (Vec::new(), Vec::new(), Vec::new());
    let words: Vec<&str> = text.split_whitespace().filter(|w| *w != "!").collect();
    for pair in words.windows(2) {
        match pair[0] {
            "-i" | "-o" => names.extend(
                InterfaceName::new(&pair[1].replace('+', "0").replace('/', "_"))
                    .ok()
                    .filter(|n| !matches!(n.as_str(), "lo" | "0")),
            ),
            "-s" | "-d" | "--to-destination" | "--to-source" => {
                let address = pair[1].split(['/', ':', '-']).next().unwrap_or_default();
                addresses.extend(address.parse::<IpAddr>().ok().filter(|a| {
                    !a.is_unspecified() && !a.is_loopback() && !a.is_multicast() && a.is_ipv4()
                }));
            }
            "--dport" | "--sport" | "--dports" | "--ports" => {
                let first = pair[1].split([',', ':']).next().unwrap_or_default();
                ports.extend(first.parse::<u16>().ok().filter(|p| *p > 0));
            }
            _ => {}
        }
    }
    let mut seen = Vec::new();
    names.retain(|n| {
        !seen.contains(n) && {
            seen.push(*n);
            true
        }
    });
    addresses.sort_unstable();
    addresses.dedup();
    ports.sort_unstable();
    ports.dedup();
    Network::around(&names, &addresses, &ports)
}

/// Rules that depend on more than packets: chance, other users' sockets, and clocks finer than a run.
fn leaves_open(text: &str) -> bool {
    [
        "-m owner",
        "--mode random",
        "-m cgroup",
        "-m connlimit",
        "-m socket",
        "--random",
        "/sec",
        "/minute",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// One in so many dumps.
fn step() -> usize {
    let asked = std::env::var("NETVERDICT_DUMPS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(8)
}

#[test]
fn real_dumps_count_as_in_the_kernel() {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no corpus (NETVERDICT_CORPUS)");
        return;
    };
    let all = dumps(&corpus);
    let step = step();
    let (mut agreed, mut silent, mut found) = (0, 0, Vec::new());
    for (number, (name, family, text)) in (0..).zip(all.into_iter().step_by(step)) {
        if leaves_open(&text) || text.len() > 200_000 {
            silent += 1;
            continue;
        }
        let network = network(&text);
        let (v4, v6) = match family {
            Family::V4 => (Some(text), None),
            Family::V6 => (None, Some(text)),
        };
        let case = Case {
            facts: network.facts(),
            v4,
            v6,
            ipset: None,
            timeouts: None,
            backend: Backend::Legacy,
            frames: Vec::new(),
        };
        let outcome = case
            .with_traffic(number, &network, &Vocabulary::all())
            .and_then(|(case, kernel)| judge(case, kernel));
        match outcome {
            Ok(compared) if compared.undetermined.is_some() => silent += 1,
            Ok(compared) if compared.differences.is_empty() => agreed += 1,
            Ok(compared) => found.push((name, compared)),
            Err(error) if error.is_missing() => {
                eprintln!("SKIPPED: {error}");
                return;
            }
            Err(error @ (RigError::Refused { .. } | RigError::Host(_))) => {
                silent += 1;
                eprintln!("{name}: {error}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
    eprintln!(
        "{agreed} agree, {silent} say nothing, {} differ",
        found.len()
    );
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    for (name, compared) in found.into_iter().take(6) {
        eprintln!("===== {name}\n{}", smallest(compared, 300));
    }
    assert!(names.is_empty(), "dumps that differ: {names:?}");
}

/// The captures whose packets all of a kernel could take, with how many they are.
fn captures(corpus: &Path) -> Vec<PathBuf> {
    const MOST: usize = 600;
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap_or_default();
    let mut lines = manifest.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap_or(usize::MAX);
    let (kind, link, packets) = (column("kind"), column("link_types"), column("packets"));
    let fits = |line: &&Vec<&str>| {
        let count = line.get(packets).and_then(|p| p.parse::<usize>().ok());
        line.get(kind) == Some(&"capture")
            && line.get(link) == Some(&"Ethernet")
            && count.is_some_and(|count| (5..MOST).contains(&count))
    };
    let fitting: Vec<_> = lines.filter(|line| fits(&line)).collect();
    fitting
        .iter()
        .filter_map(|line| Some(corpus.join(line.first()?)))
        .collect()
}

/// A dump alone with a capture, as a user gives them; the capture's one interface is one that the rules name.
fn setup(dump: &Path, text: &str, capture: &Path) -> Setup {
    let (survey, _) = survey(open(capture).unwrap()).unwrap();
    let overrides = Overrides {
        interface: network(text).nics.first().map(|nic| nic.name),
        ..Overrides::default()
    };
    given::host(dump, Config::default(), |bundle, rules| {
        infer(bundle, rules, &survey, &overrides).unwrap()
    })
}

#[test]
fn real_dumps_with_real_captures_count_as_in_the_kernel() {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no corpus (NETVERDICT_CORPUS)");
        return;
    };
    let step = step();
    let captures = captures(&corpus);
    let (mut agreed, mut silent, mut found) = (0, 0, Vec::new());
    for (number, (name, _, text)) in dumps(&corpus).into_iter().enumerate().step_by(step) {
        if leaves_open(&text) || text.len() > 200_000 {
            silent += 1;
            continue;
        }
        for turn in 0..2 {
            let capture = &captures[(number * 2 + turn) % captures.len()];
            let setup = setup(&corpus.join(&name), &text, capture);
            let told = format!("{name} with {}", capture.display());
            match conform(&setup, open(capture).unwrap(), Pace::Fast) {
                Ok(conformed) if conformed.compared.undetermined.is_some() => silent += 1,
                Ok(conformed) if conformed.compared.differences.is_empty() => agreed += 1,
                Ok(conformed) => found.push((told, conformed.compared)),
                Err(ConformError::Rig(error)) if error.is_missing() => {
                    eprintln!("SKIPPED: {error}");
                    return;
                }
                Err(error) => {
                    silent += 1;
                    eprintln!("{told}: {error}");
                }
            }
        }
    }
    eprintln!(
        "{agreed} agree, {silent} say nothing, {} differ",
        found.len()
    );
    for (told, compared) in &found {
        eprintln!("{told}: {}", compared.differences[0]);
    }
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    for (name, compared) in found.into_iter().take(4) {
        eprintln!("===== {name}\n{}", smallest(compared, 200));
    }
    assert!(names.is_empty(), "that differ: {names:?}");
}
