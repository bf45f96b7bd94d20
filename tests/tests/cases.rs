//! Small named cases, one for each trap and each surprising statement about netfilter: rules, packets, and what
//! becomes of them. Each is put through the model, and through this machine's kernel where that can be done.
//!
//! `NETVERDICT_ACCEPT=1` writes down what the kernel says. `NETVERDICT_CASE=nat/` takes only cases whose name has that.

mod connection;
mod expect;
mod format;
pub(crate) mod kernel;
mod model;
mod packet;
mod payload;
mod statements;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use netverdict_conform::RigError;
use netverdict_conform::rig::Counters;
use netverdict_net::Family;

use format::{Case, Rewrite};
use kernel::KernelRun;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases")
}

fn paths() -> Vec<PathBuf> {
    let wanted = std::env::var("NETVERDICT_CASE").unwrap_or_default();
    let list = |dir: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).expect("a folder");
        entries.map(|e| e.expect("an entry").path()).collect()
    };
    let areas = list(&folder()).into_iter().filter(|p| p.is_dir());
    let mut all: Vec<PathBuf> = areas
        .flat_map(|area| list(&area))
        .filter(|p| p.extension().is_some_and(|e| e == "case"))
        .filter(|p| p.to_string_lossy().contains(&wanted))
        .collect();
    all.sort();
    all
}

/// Runs `check` on every case, on as many threads as there are processors; fails with all complaints.
fn each_case(check: impl Fn(&Case) -> Vec<String> + Sync) {
    let paths = paths();
    assert!(!paths.is_empty(), "no case has such a name");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let complaints = match Case::read(path) {
                        Ok(case) => check(&case),
                        Err(error) => vec![error],
                    };
                    if !complaints.is_empty() {
                        let failure = format!("{}\n  {}", path.display(), complaints.join("\n  "));
                        failures.lock().expect("no panic").push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no panic");
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n{}",
        failures.len(),
        paths.len(),
        failures.join("\n")
    );
}

#[test]
fn the_kernel_does_what_the_cases_say() {
    let accept = std::env::var_os("NETVERDICT_ACCEPT").is_some();
    if let Some(why) = kernel::lacks() {
        eprintln!("SKIPPED: the kernel was not asked: {why}");
        return;
    }
    each_case(|case| match kernel::run(case) {
        Err(RigError::Refused { .. }) if case.refused => Vec::new(),
        Ok(_) if case.refused => vec!["the kernel takes the dump".to_owned()],
        Ok(run) if accept => {
            let text = case.rewritten(&rewrite(case, &run));
            std::fs::write(&case.path, text).expect("a file to write");
            Vec::new()
        }
        Ok(run) => compare_with_kernel(case, &run),
        Err(error) => vec![error.to_string()],
    });
}

#[test]
fn the_model_does_what_the_cases_say() {
    let skipped = Mutex::new(Vec::new());
    each_case(|case| {
        let found = match model::run(case) {
            Err(why) if case.refused && why.contains("is refused") => Vec::new(),
            Ok(_) if case.refused => vec!["the model takes the dump".to_owned()],
            Ok(run) => compare_with_model(case, &run),
            Err(error) => vec![error],
        };
        match &case.pending {
            None => found,
            Some(_) if found.is_empty() => vec!["no longer pending: the model does it".to_owned()],
            Some(why) => {
                let line = format!("{}: {why}", case.name());
                skipped.lock().expect("no panic").push(line);
                Vec::new()
            }
        }
    });
    let mut skipped = skipped.into_inner().expect("no panic");
    skipped.sort();
    for line in skipped {
        eprintln!("PENDING {line}");
    }
}

#[test]
fn the_model_sends_on_what_the_kernel_sends_on() {
    if let Some(why) = kernel::lacks() {
        eprintln!("SKIPPED: the kernel was not asked: {why}");
        return;
    }
    each_case(|case| {
        let (Ok(kernel), Ok(model), None) = (kernel::run(case), model::run(case), &case.pending)
        else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let both = kernel.steps.iter().zip(&model.steps);
        for (step, (kernel, model)) in case.steps.iter().zip(both) {
            // What the kernel cut into fragments left whole in the model.
            if let ([kernel], Some(model)) = (&kernel.out[..], &model.out)
                && !netverdict_conform::compare::same_packet(kernel, model)
            {
                found.push(format!(
                    "line {}: out of the kernel came {kernel:02x?}, out of the model {model:02x?}",
                    step.line
                ));
            }
        }
        if let Some(listing) = &kernel.listing {
            found.extend(compare_listings(listing, &model.listing));
        }
        found
    });
}

fn compare_with_model(case: &Case, run: &model::ModelRun) -> Vec<String> {
    let mut found = Vec::new();
    for (step, seen) in case.steps.iter().zip(&run.steps) {
        let said = &seen.expect;
        if step.expect.as_ref() != Some(said) {
            let wanted = step.expect.as_ref().map(ToString::to_string);
            found.push(format!(
                "line {}: the case says {}; the model {said}",
                step.line,
                wanted.unwrap_or_default()
            ));
        }
    }
    for ((family, wanted), counted) in Family::ALL
        .into_iter()
        .zip(&case.counters)
        .zip(&run.counters)
    {
        match Counters::parse(family, wanted.as_deref().unwrap_or_default()) {
            Ok(wanted) => found.extend(differences(&wanted, &counted.clone().unwrap_or_default())),
            Err(error) => found.push(error.to_string()),
        }
    }
    if let Some(wanted) = &case.connections {
        found.extend(compare_connections(wanted, &run.connections));
    }
    found
}

/// What the kernel said; where it cannot tell, what the case says, as far as that may be.
fn rewrite(case: &Case, run: &KernelRun) -> Rewrite {
    let expects = case.steps.iter().zip(&run.steps).map(|(step, seen)| {
        let mut expect = seen.expect.clone();
        let old = step.expect.clone().unwrap_or_default();
        if expect.is_gone() && old.is_gone() && expect.rule.is_none() {
            expect.verdict = old.verdict;
            expect.fate = old.fate;
            expect.reason = old.reason;
            // A rule that drops before it counts (hotdrop) leaves no trace.
            expect.rule = old.rule;
        } else if expect.is_gone() && expect.rule.is_none() {
            expect.reason = Some("?".to_owned());
        } else if !expect.is_gone() && expect.rule.is_none() {
            expect.reason = old.reason;
        }
        expect
    });
    Rewrite {
        expects: expects.collect(),
        counters: run.saved.clone(),
        connections: run.connections.iter().map(ToString::to_string).collect(),
    }
}

fn compare_with_kernel(case: &Case, run: &KernelRun) -> Vec<String> {
    let mut found = Vec::new();
    for (step, seen) in case.steps.iter().zip(&run.steps) {
        let Some(wanted) = &step.expect else {
            found.push(format!(
                "line {}: nothing is expected of this packet",
                step.line
            ));
            continue;
        };
        let mut kernel = seen.expect.clone();
        if kernel.is_gone() && wanted.is_gone() && kernel.rule.is_none() {
            kernel.verdict.clone_from(&wanted.verdict);
            kernel.fate.clone_from(&wanted.fate);
            kernel.rule.clone_from(&wanted.rule);
        }
        kernel.reason.clone_from(&wanted.reason);
        if kernel != *wanted {
            found.push(format!(
                "line {}: the case says {wanted}; the kernel {kernel}; moved {:?}",
                step.line, seen.moved
            ));
        }
    }
    for ((family, wanted), saved) in Family::ALL.into_iter().zip(&case.counters).zip(&run.saved) {
        let parse = |text: &Option<String>| {
            Counters::parse(family, text.as_deref().unwrap_or_default()).map_err(|e| e.to_string())
        };
        match (parse(wanted), parse(saved)) {
            (Ok(wanted), Ok(saved)) => found.extend(differences(&wanted, &saved)),
            (Err(e), _) | (_, Err(e)) => found.push(e),
        }
    }
    if let Some(wanted) = &case.connections {
        found.extend(compare_connections(wanted, &run.connections));
    }
    found
}

/// Each line has its connection, each connection its line.
fn compare_connections(wanted: &[String], there: &[connection::Line]) -> Vec<String> {
    let mut left: Vec<&connection::Line> = there.iter().collect();
    let mut found = Vec::new();
    for line in wanted {
        match left.iter().position(|c| c.is(line)) {
            Some(at) => drop(left.remove(at)),
            None => found.push(format!("connection expected: {line}")),
        }
    }
    found.extend(left.iter().map(|c| format!("connection not expected: {c}")));
    found
}

/// What `conntrack -L -o extended` prints and the model does not, in any order. A kernel's second may have passed
/// between the last packet and the listing.
fn compare_listings(kernel: &str, model: &str) -> Vec<String> {
    let mut left: Vec<(String, u32)> = model.lines().filter_map(apart).collect();
    let mut found = Vec::new();
    for (line, seconds) in kernel.lines().filter_map(apart) {
        let same = |(other, at_most): &(String, u32)| {
            *other == line && seconds <= *at_most && at_most - seconds <= 2
        };
        match left.iter().position(same) {
            Some(at) => drop(left.remove(at)),
            None => found.push(format!("conntrack prints: {line}, {seconds}s")),
        }
    }
    let rest = left.iter();
    found.extend(rest.map(|(line, seconds)| format!("the model prints: {line}, {seconds}s")));
    found
}

/// A line of the listing and its seconds left; how many references the kernel holds is its own affair.
fn apart(line: &str) -> Option<(String, u32)> {
    let (entry, _) = line.rsplit_once(" use=")?;
    let mut words: Vec<&str> = entry.split_whitespace().collect();
    let seconds = words.get(4)?.parse().ok()?;
    words.remove(4);
    Some((words.join(" "), seconds))
}

/// Every counter that differs.
fn differences(wanted: &Counters, there: &Counters) -> Vec<String> {
    let mut found = Vec::new();
    if wanted.tables.len() != there.tables.len() {
        found.push("other tables than in the case's counters".to_owned());
    }
    for table in &wanted.tables {
        for chain in &table.chains {
            let place = format!("{} {}", table.name, chain.name);
            let Some(other) = there.chain(&table.name, &chain.name) else {
                found.push(format!("{place} is missing"));
                continue;
            };
            let mut say = |what: &str, wanted: String, there: String| {
                if wanted != there {
                    found.push(format!(
                        "{place} {what}: the case says {wanted}, counted {there}"
                    ));
                }
            };
            say(
                "policy",
                format!("{:?}", chain.policy),
                format!("{:?}", other.policy),
            );
            say(
                "rules",
                chain.rules.len().to_string(),
                other.rules.len().to_string(),
            );
            for (number, (a, b)) in (1..).zip(chain.rules.iter().zip(&other.rules)) {
                say(
                    &number.to_string(),
                    format!("{:?}", a.0),
                    format!("{:?}", b.0),
                );
            }
        }
    }
    found
}
