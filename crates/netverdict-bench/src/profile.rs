//! Where the time is: instructions a packet, by stage and by function, as callgrind counts them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use netverdict_forge::load::rules::Kind as Rules;
use netverdict_forge::load::traffic::{self, Kind as Traffic};
use serde::Serialize;

use crate::error::Error;
use crate::inputs::Inputs;
use crate::{Run, say};

/// Packets of the shorter and of the longer capture; what they differ by is counted, so that start-up drops out.
const SHORT: u64 = 20_000;
const LONG: u64 = 60_000;
/// Functions named.
const NAMED: usize = 12;

/// Instructions a packet of one workload.
#[derive(Debug, Serialize)]
pub(crate) struct Profile {
    pub(crate) workload: String,
    pub(crate) total: f64,
    pub(crate) stages: Vec<Share>,
    pub(crate) functions: Vec<Share>,
}

/// A part of the instructions.
#[derive(Debug, Serialize)]
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) instructions: f64,
}

impl Profile {
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!(
            "{}: {:.0} instructions a packet.\n\n| stage or function | instructions a packet |\n|---|---|\n",
            self.workload, self.total
        );
        for share in &self.stages {
            let _ = writeln!(text, "| **{}** | {:.0} |", share.name, share.instructions);
        }
        for share in &self.functions {
            let _ = writeln!(text, "| `{}` | {:.0} |", share.name, share.instructions);
        }
        text
    }
}

/// Profiles a short and a long ruleset.
pub(crate) fn all(run: &Run, inputs: &Inputs) -> Result<Vec<Profile>, Error> {
    [10, 10_000]
        .into_iter()
        .map(|rules| profile(run, inputs, rules))
        .collect()
}

fn profile(run: &Run, inputs: &Inputs, rules: u64) -> Result<Profile, Error> {
    say(&format!("profiling with {rules} rules"));
    let bundle = inputs.bundle(Rules::Filter, rules)?;
    let mut short = counted(run, inputs, &bundle, SHORT)?;
    let mut functions: BTreeMap<String, f64> = counted(run, inputs, &bundle, LONG)?;
    for (name, count) in &mut functions {
        *count -= short.remove(name).unwrap_or_default();
        *count /= (LONG - SHORT) as f64;
    }
    let mut stages = BTreeMap::<&str, f64>::new();
    for (name, count) in &functions {
        *stages.entry(stage(name)).or_default() += count;
    }
    let total = functions.values().sum();
    let stages = stages.into_iter().map(|(n, c)| (n.to_owned(), c)).collect();
    Ok(Profile {
        workload: format!("64-byte frames, {rules} rules, 1 thread"),
        total,
        stages: largest(stages, usize::MAX),
        functions: largest(functions.into_iter().collect(), NAMED),
    })
}

fn largest(mut shares: Vec<(String, f64)>, most: usize) -> Vec<Share> {
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    let shares = shares.into_iter().filter(|(_, count)| *count >= 0.5);
    shares
        .take(most)
        .map(|(name, instructions)| Share { name, instructions })
        .collect()
}

/// Which stage a function belongs to, by the crate it is in.
fn stage(function: &str) -> &'static str {
    [
        ("netverdict_capture", "capture"),
        ("netverdict_bundle", "placing"),
        ("netverdict_replay", "replay"),
        ("netverdict_engine::conntrack", "connection tracking"),
        ("netverdict_engine::nat", "NAT"),
        ("netverdict_engine", "engine"),
        ("netverdict_host", "routing"),
        ("netverdict_report", "report"),
        ("netverdict_net", "packet"),
        ("hashbrown", "hash tables"),
        ("rayon", "threads"),
    ]
    .into_iter()
    .find(|(part, _)| function.contains(part))
    .map_or("system and allocation", |(_, stage)| stage)
}

/// Instructions of each function over a replay of so many packets.
fn counted(
    run: &Run,
    inputs: &Inputs,
    bundle: &Path,
    packets: u64,
) -> Result<BTreeMap<String, f64>, Error> {
    let capture = run.directory.join(format!("profile-{packets}.pcap"));
    let amount = traffic::Amount {
        packets,
        flows: packets / 20,
        pace: 10_000,
        seed: run.seed,
    };
    traffic::write(Traffic::Small, amount, &capture)?;
    let counts = run.directory.join("callgrind.out");
    let replay = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(&run.program)
        .arg("replay")
        .arg(bundle)
        .arg(&capture)
        .args([
            "-q",
            "--format",
            "counters",
            "--threads",
            "1",
            "-o",
            "/dev/null",
        ])
        .output()?;
    let annotate = Command::new("callgrind_annotate")
        .args([
            "--threshold=100",
            "--show-percs=no",
            "--inclusive=no",
            "--tree=none",
            "--auto=no",
        ])
        .arg(&counts)
        .output()?;
    if !replay.status.success() || !annotate.status.success() {
        let said = String::from_utf8_lossy(&replay.stderr);
        return Err(Error::other(format!("callgrind: {said}")));
    }
    let _ = inputs;
    Ok(parse(&String::from_utf8_lossy(&annotate.stdout)))
}

/// Reads lines such as `  1,234  src/file.rs:name [program]`.
fn parse(annotated: &str) -> BTreeMap<String, f64> {
    let mut functions = BTreeMap::new();
    for line in annotated.lines() {
        let Some((count, place)) = line.trim_start().split_once(' ') else {
            continue;
        };
        let Ok(count) = count.replace(',', "").parse::<f64>() else {
            continue;
        };
        let place = place.trim_start();
        let Some((_, name)) = place.split_once(':') else {
            continue;
        };
        let name = name.split(" [").next().unwrap_or(name);
        *functions.entry(name.to_owned()).or_default() += count;
    }
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_one_function_in_several_files_are_added() {
        let text = "Ir\n1,300 PROGRAM TOTALS\n\n1,000  src/a.rs:netverdict_engine::step [prog]\n  300  src/b.rs:netverdict_engine::step [prog]\n";
        let functions = parse(text);
        assert_eq!(functions.get("netverdict_engine::step"), Some(&1300.0));
        assert_eq!(functions.len(), 1);
    }
}
