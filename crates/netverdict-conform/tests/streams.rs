//! Captured TCP conversations through the kernel and the model, behind rules that tell every state.
//! `NETVERDICT_CORPUS` says where the captures are; `NETVERDICT_STREAMS=all` takes all of them.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "given/capture.rs"]
mod capture;
#[path = "given/host.rs"]
mod given;

use std::path::{Path, PathBuf};

use capture::open;
use netverdict_bundle::{Overrides, infer};
use netverdict_conform::rig::Pace;
use netverdict_conform::{ConformError, Conformed, conform};
use netverdict_engine::Config;
use netverdict_net::InterfaceName;
use netverdict_replay::survey;

/// Longest capture of the sample, in packets.
const LONGEST: u64 = 3000;
/// Of those, every so many-th is in the sample.
const STEP: usize = 9;

const STATEFUL: &str = "*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -m conntrack --ctstate INVALID
-A PREROUTING -m conntrack --ctstate NEW
-A PREROUTING -m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL
-A PREROUTING -m conntrack --ctstate ESTABLISHED --ctdir REPLY
-A PREROUTING -m conntrack --ctstate RELATED
-A PREROUTING -m conntrack --ctstatus ASSURED
-A OUTPUT -m conntrack --ctstate INVALID
-A OUTPUT -m conntrack --ctstate NEW
-A OUTPUT -m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL
-A OUTPUT -m conntrack --ctstate ESTABLISHED --ctdir REPLY
-A OUTPUT -m conntrack --ctstate RELATED
-A OUTPUT -m conntrack --ctstatus ASSURED
COMMIT
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -m conntrack --ctstate NEW,RELATED,ESTABLISHED,UNTRACKED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate NEW,RELATED,ESTABLISHED,UNTRACKED -j ACCEPT
COMMIT
";

fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("NETVERDICT_CORPUS").map(PathBuf::from);
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let path = given.unwrap_or_else(beside);
    path.join("MANIFEST.tsv").is_file().then_some(path)
}

/// The captures with TCP in them, and how many packets each has.
fn tcp_captures(corpus: &Path) -> Vec<(String, u64)> {
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest.lines().map(|l| l.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let (protocols, packets) = (column("protocols(packets)"), column("packets"));
    lines
        .filter(|l| l.get(protocols).is_some_and(|p| p.contains("tcp:")))
        .filter_map(|l| Some(((*l.first()?).to_owned(), l.get(packets)?.parse().ok()?)))
        .collect()
}

/// The capture on a host behind the rules; `None` where its file is damaged or of no use.
fn through_both(path: &Path, rules: &Path) -> Option<Result<Conformed, ConformError>> {
    let (survey, _) = survey(open(path)?).ok()?;
    // Most captures name no interface, and the kernel needs one for the host's addresses.
    let overrides = Overrides {
        interface: Some(InterfaceName::new("eth0").unwrap()),
        ..Overrides::default()
    };
    let setup = given::host(rules, Config::default(), |bundle, rules| {
        infer(bundle, rules, &survey, &overrides).unwrap()
    });
    Some(conform(&setup, open(path)?, Pace::Fast))
}

#[test]
fn captured_tcp_is_tracked_as_in_the_kernel() {
    let Some(corpus) = corpus() else {
        eprintln!("SKIPPED: no corpus (NETVERDICT_CORPUS)");
        return;
    };
    let rules = tempfile::tempdir().unwrap();
    for name in ["iptables-save", "ip6tables-save"] {
        std::fs::write(rules.path().join(name), STATEFUL).unwrap();
    }
    let wanted = std::env::var("NETVERDICT_STREAMS").unwrap_or_default();
    let mut captures = tcp_captures(&corpus);
    if wanted != "all" {
        captures.retain(|(name, packets)| {
            name.contains(&wanted) && (!wanted.is_empty() || *packets <= LONGEST)
        });
    }
    let step = if wanted.is_empty() { STEP } else { 1 };
    let (mut compared, mut packets, mut differing) = (0, 0, Vec::new());
    for (name, _) in captures.into_iter().step_by(step) {
        let conformed = match through_both(&corpus.join(&name), rules.path()) {
            None => {
                eprintln!("{name}: cannot be read whole, left out");
                continue;
            }
            Some(Err(ConformError::Rig(error))) if error.is_missing() => {
                eprintln!("SKIPPED: {error}");
                return;
            }
            Some(Err(error)) => {
                eprintln!("{name}: {error}");
                continue;
            }
            Some(Ok(conformed)) => conformed,
        };
        compared += 1;
        packets += conformed.positions.len();
        let found = &conformed.compared.differences;
        if conformed.compared.undetermined.is_none() && !found.is_empty() {
            for difference in found.iter().take(8) {
                eprintln!("{name}: {difference}");
            }
            differing.push(name);
        }
    }
    eprintln!("{compared} captures, {packets} packets through both");
    assert!(differing.is_empty(), "captures that differ: {differing:?}");
}
