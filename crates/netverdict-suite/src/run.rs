//! One case on one of its hosts.

use std::io;
use std::path::Path;

use netverdict_bundle::Survey;
use netverdict_capture::{CaptureError, Captures, Frame, Input, expand};
use netverdict_engine::RuleRef;
use netverdict_replay::{Options, Record, ReplayError, Session, Setup, Sink, survey};
use netverdict_report::model::Assumption;
use netverdict_report::names::Names;

use crate::case::{Case, FILE, HostEntry};
use crate::check::{Check, Ended, line};
use crate::document::{Changes, Fact, Failure, FlowChange, Line};
use crate::play::play;
use crate::snapshot::{self, Flows, Parts, State, Stored};

/// Makes hosts ready for replay, and words for what goes wrong with them.
pub trait Hosts: Sync {
    /// What goes wrong, as the user is told.
    type Error: Send;

    /// Reads a host and completes it by what the captures tell; with what is odd about its files.
    ///
    /// # Errors
    /// It cannot be read.
    fn setup(&self, host: &HostEntry, survey: &Survey)
    -> Result<(Setup, Vec<String>), Self::Error>;

    /// What a replay that ended early means to its user.
    fn failed(&self, error: &ReplayError, setup: Option<&Setup>) -> Self::Error;

    /// What a snapshot that cannot be read or written means to its user.
    fn io(&self, action: &str, path: &Path, error: &io::Error) -> Self::Error;
}

/// What a run found.
#[derive(Debug)]
pub struct Ran {
    pub packets: u64,
    pub flows: u64,
    pub expectations: u64,
    pub failures: Vec<Failure>,
    pub assumptions: Vec<Assumption>,
    pub warnings: Vec<String>,
    /// The verdicts as a snapshot; `None` where the case keeps none.
    pub verdicts: Option<Verdicts>,
}

/// Verdicts beside their snapshot.
#[derive(Debug)]
pub struct Verdicts {
    pub(crate) stored: Stored,
    pub(crate) text: String,
    pub(crate) state: State,
}

/// Runs a case on a host.
///
/// # Errors
/// Host, capture or snapshot cannot be read.
pub(crate) fn run<H: Hosts>(case: &Case, host: &HostEntry, hosts: &H) -> Result<Ran, H::Error> {
    let Ready {
        captures,
        setup,
        mut warnings,
    } = prepare(case, host, hosts)?;
    let names = Names::new(&setup);
    let about = case.expectations.iter().filter(|e| e.is_about(&host.name));
    let mut judge = Judge {
        checks: about.map(|e| Check::new(e, &setup, &names)).collect(),
        flows: Flows::default(),
    };
    let mut session = Session::new(&setup, options(host));
    let replayed = replay(case, &captures, &mut session, &mut judge);
    replayed.map_err(|error| hosts.failed(&error, Some(&setup)))?;
    warnings.extend(session.warnings());
    let of_captures = session.captures().iter();
    warnings
        .extend(of_captures.flat_map(|c| c.warnings.iter().map(|w| format!("{}: {w}", c.name))));
    let totals = session.totals();
    let file = case.directory.join(FILE).display().to_string();
    let texts: Vec<_> = case.packets.iter().map(|line| line.text.as_str()).collect();
    let ended = Ended {
        setup: &setup,
        names: &names,
        totals: &totals,
        captures: &session
            .captures()
            .iter()
            .map(|c| c.name.clone())
            .collect::<Vec<_>>(),
        texts: &texts,
        file: &file,
    };
    let (packets, flows) = judge.flows.size();
    let verdicts = verdicts(case, host, &judge.flows, &names);
    let verdicts = verdicts.map_err(|(path, error)| hosts.io("read", &path, &error))?;
    let expectations = judge.checks.len() as u64;
    let unmet = judge
        .checks
        .into_iter()
        .filter_map(|check| check.finish(&ended));
    let mut failures: Vec<_> = unmet
        .map(|unmet| Failure::Expectation(Box::new(unmet)))
        .collect();
    if let Some(verdicts) = verdicts.as_ref().filter(|v| v.state != State::Same) {
        failures.push(Failure::Snapshot(changes(verdicts, &ended)));
    }
    Ok(Ran {
        packets,
        flows,
        expectations,
        failures,
        assumptions: netverdict_report::assumptions(&setup.inferred.assumptions),
        warnings,
        verdicts,
    })
}

/// A case's host and captures, ready for replay.
pub(crate) struct Ready {
    pub(crate) captures: Vec<Input>,
    pub(crate) setup: Setup,
    pub(crate) warnings: Vec<String>,
}

pub(crate) fn prepare<H: Hosts>(
    case: &Case,
    host: &HostEntry,
    hosts: &H,
) -> Result<Ready, H::Error> {
    let failed = |error: CaptureError| hosts.failed(&ReplayError::Capture(error), None);
    let captures: Vec<_> = case.captures.iter().cloned().map(Input::Path).collect();
    let (captures, left_out) = expand(&captures).map_err(failed)?;
    let stream = Captures::open(&captures).map_err(failed)?;
    let (survey, _) = survey(stream).map_err(|error| hosts.failed(&error, None))?;
    let (setup, mut warnings) = hosts.setup(host, &survey)?;
    let no_capture =
        |path: &std::path::PathBuf| format!("{}: no capture, left out", path.display());
    warnings.extend(left_out.iter().map(no_capture));
    Ok(Ready {
        captures,
        setup,
        warnings,
    })
}

pub(crate) fn options(host: &HostEntry) -> Options {
    Options {
        fail_on_unknown: host.options.unknown.as_deref() == Some("fail"),
        keep_counters: host.options.keep_counters,
        ..Options::default()
    }
}

fn verdicts(
    case: &Case,
    host: &HostEntry,
    flows: &Flows,
    names: &Names<'_>,
) -> Result<Option<Verdicts>, (std::path::PathBuf, io::Error)> {
    if !case.snapshot {
        return Ok(None);
    }
    let name = (case.hosts.len() > 1).then_some(host.name.as_str());
    let path = case.directory.join(snapshot::name(name));
    let stored = Stored::read(&case.directory, name).map_err(|error| (path, error))?;
    let text = flows.text(names);
    Ok(Some(Verdicts {
        state: stored.state(&text),
        text,
        stored,
    }))
}

/// Captures first, then the lines of `packets`.
fn replay(
    case: &Case,
    captures: &[Input],
    session: &mut Session<'_>,
    judge: &mut Judge<'_>,
) -> Result<(), ReplayError> {
    let streams: Vec<&[Input]> = if case.separate {
        captures.chunks(1).collect()
    } else {
        vec![captures]
    };
    for (stream, index) in streams.iter().zip(0..) {
        if index > 0 {
            session.restart();
        }
        session.run(Captures::open(stream)?, judge, &mut (), &|_| ())?;
    }
    for (line, number) in case.packets.iter().zip(1..) {
        play(session, &line.what, &mut |record| {
            judge.add(record, Some(number));
        });
    }
    Ok(())
}

/// Holds every record against the expectations.
struct Judge<'e> {
    checks: Vec<Check<'e>>,
    flows: Flows,
}

impl Judge<'_> {
    fn add(&mut self, record: &Record, line: Option<u64>) {
        for check in &mut self.checks {
            check.take(record, line);
        }
        self.flows.add(record);
    }
}

impl Sink for Judge<'_> {
    type Item = ();

    fn render(&self, _: &Record, _: &Frame<'_>) {}

    fn take(&mut self, record: &Record, (): ()) -> io::Result<()> {
        self.add(record, None);
        Ok(())
    }
}

/// Which flows differ from the snapshot, and where the rules in question are in the dump.
fn changes(verdicts: &Verdicts, run: &Ended<'_>) -> Changes {
    let path = verdicts.stored.path.display().to_string();
    let Some(stored) = &verdicts.stored.text else {
        return Changes {
            path,
            is_new: true,
            flows: Vec::new(),
            difference: String::new(),
        };
    };
    let (old, new) = (Parts::of(stored), Parts::of(&verdicts.text));
    let gone = old.order.iter().filter(|key| !new.flows.contains_key(*key));
    let keys = new.order.iter().chain(gone);
    let flows = keys.filter_map(|key| {
        let lines = |parts: &Parts<'_>| facts(parts.flows.get(key).map_or(&[], Vec::as_slice), run);
        let (was, is) = (lines(&old), lines(&new));
        let only = |of: &[Fact], other: &[Fact]| -> Vec<Fact> {
            of.iter()
                .filter(|fact| !other.contains(fact))
                .cloned()
                .collect()
        };
        let (expected, actual) = (only(&was, &is), only(&is, &was));
        let differs = was != is;
        differs.then(|| FlowChange {
            flow: key.0.to_owned(),
            // Where only the order differs, all is shown.
            expected: if expected.is_empty() && actual.is_empty() {
                was
            } else {
                expected
            },
            actual,
        })
    });
    Changes {
        path,
        is_new: false,
        flows: flows.collect(),
        difference: snapshot::difference(stored, &verdicts.text),
    }
}

/// Lines of a snapshot's flow, two for each fact.
fn facts(lines: &[&str], run: &Ended<'_>) -> Vec<Fact> {
    let is_rule = |line: &&&str| line.starts_with("        ");
    let mut facts: Vec<Fact> = Vec::new();
    for line in lines {
        match facts.last_mut().filter(|_| is_rule(&line)) {
            Some(fact) => {
                line.trim().clone_into(&mut fact.rule);
                fact.lines = find(&fact.rule, run);
            }
            None => facts.push(Fact {
                text: line.trim().to_owned(),
                rule: String::new(),
                lines: Vec::new(),
            }),
        }
    }
    facts
}

/// The lines of the dump that a snapshot's words for a rule are about.
fn find(words: &str, run: &Ended<'_>) -> Vec<Line> {
    let all = crate::expect::every(run.setup);
    let is_it = |rule: &RuleRef| {
        let text = snapshot::rule(*rule, run.names);
        words
            .strip_prefix(&text)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("))
    };
    all.into_iter()
        .filter(is_it)
        .map(|rule| line(rule, run))
        .collect()
}
