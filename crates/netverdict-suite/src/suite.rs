//! Many runs, in parallel, and what is done about their snapshots.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::case::{Case, HostEntry};
use crate::document::{Changes, Failure, Run, Snapshot, SnapshotState, Status};
use crate::run::{Hosts, Ran, Verdicts, run};
use crate::snapshot::State;

/// A case and one of its hosts.
#[derive(Debug, Clone, Copy)]
pub struct Job<'c> {
    pub case: &'c Case,
    pub host: &'c HostEntry,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended<E> {
    Ran(Box<Ran>),
    /// Host, capture or snapshot cannot be read.
    Unreadable(E),
    /// `fail_fast` left it out.
    NotRun,
}

/// In which order runs start, and whether one that fails is the last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order {
    /// The seed of a random order; `None` for that of their names.
    pub shuffle: Option<u64>,
    pub fail_fast: bool,
    /// Whether a snapshot that is not there is a failure.
    pub ci: bool,
}

/// Runs all; the results are in the order of the jobs.
pub fn run_all<H: Hosts>(
    jobs: &[Job<'_>],
    hosts: &H,
    order: Order,
    progress: &(dyn Fn() + Sync),
) -> Vec<Ended<H::Error>> {
    let mut places: Vec<usize> = (0..jobs.len()).collect();
    if let Some(seed) = order.shuffle {
        shuffle(&mut places, seed);
    }
    let has_failed = AtomicBool::new(false);
    let one = |place: &usize| {
        let Some(job) = jobs.get(*place) else {
            return (*place, Ended::NotRun);
        };
        if order.fail_fast && has_failed.load(Ordering::Relaxed) {
            return (*place, Ended::NotRun);
        }
        let ended = match run(job.case, job.host, hosts) {
            Ok(ran) => Ended::Ran(Box::new(ran)),
            Err(error) => Ended::Unreadable(error),
        };
        if ended.has_failed(order.ci) {
            has_failed.store(true, Ordering::Relaxed);
        }
        progress();
        (*place, ended)
    };
    let mut ended: Vec<_> = places.par_iter().with_max_len(1).map(one).collect();
    ended.sort_by_key(|(place, _)| *place);
    ended.into_iter().map(|(_, ended)| ended).collect()
}

impl<E> Ended<E> {
    fn has_failed(&self, ci: bool) -> bool {
        match self {
            Self::Ran(ran) => ran.failures.iter().any(|failure| counts(failure, ci)),
            Self::Unreadable(_) => true,
            Self::NotRun => false,
        }
    }
}

/// Whether a failure is one: outside CI a snapshot that is not there yet is a warning.
fn counts(failure: &Failure, ci: bool) -> bool {
    match failure {
        Failure::Expectation(_) => true,
        Failure::Snapshot(changes) => ci || !changes.is_new,
    }
}

/// An order drawn from a seed (Fisher-Yates over splitmix64).
fn shuffle(places: &mut [usize], seed: u64) {
    let mut state = seed;
    for last in (1..places.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        places.swap(last, (word % (last as u64 + 1)) as usize);
    }
}

/// What to do about a snapshot that is new or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The verdicts are right: they become the snapshot.
    Accept,
    /// The snapshot stays; new verdicts wait beside it.
    Leave,
    /// Nothing is written.
    Untouched,
}

/// A snapshot that is new or changed.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The run's name.
    pub run: &'q str,
    pub changes: &'q Changes,
    /// The verdicts as they would be written.
    pub verdicts: &'q str,
}

impl Job<'_> {
    /// The run's name.
    pub fn name(&self) -> String {
        self.case.run_name(self.host)
    }

    /// Makes a run's document: `decide` says what to do about its snapshot, which is done.
    ///
    /// # Errors
    /// A snapshot cannot be written.
    pub fn settle<H: Hosts>(
        &self,
        ended: Ended<H::Error>,
        hosts: &H,
        ci: bool,
        decide: &mut dyn FnMut(Question<'_>) -> Decision,
        tell: &mut dyn FnMut(H::Error) -> String,
    ) -> Run {
        let mut run = Run {
            name: self.name(),
            description: self.case.description.clone(),
            directory: self.case.directory.display().to_string(),
            status: Status::NotRun,
            packets: 0,
            flows: 0,
            expectations: 0,
            snapshot: Snapshot {
                path: None,
                state: SnapshotState::None,
            },
            failures: Vec::new(),
            error: None,
            assumptions: Vec::new(),
            warnings: Vec::new(),
        };
        let ran = match ended {
            Ended::NotRun => return run,
            Ended::Unreadable(error) => {
                run.status = Status::Unreadable;
                run.error = Some(tell(error));
                return run;
            }
            Ended::Ran(ran) => *ran,
        };
        run.packets = ran.packets;
        run.flows = ran.flows;
        run.expectations = ran.expectations;
        run.failures = ran.failures;
        run.assumptions = ran.assumptions;
        run.warnings = ran.warnings;
        if let Some(verdicts) = ran.verdicts
            && let Err((path, error)) = verdicts.settle(&mut run, decide)
        {
            run.status = Status::Unreadable;
            run.error = Some(tell(hosts.io("write", &path, &error)));
            return run;
        }
        run.failures.retain(|failure| counts(failure, ci));
        run.status = if run.failures.is_empty() {
            Status::Passed
        } else {
            Status::Failed
        };
        run
    }
}

impl Verdicts {
    fn settle(
        &self,
        run: &mut Run,
        decide: &mut dyn FnMut(Question<'_>) -> Decision,
    ) -> Result<(), (std::path::PathBuf, io::Error)> {
        let path = &self.stored.path;
        run.snapshot.path = Some(path.display().to_string());
        let (state, decision) = match self.state {
            State::Same => (SnapshotState::Same, Decision::Accept),
            State::Changed => (SnapshotState::Changed, self.ask(run, decide)),
            State::New => (SnapshotState::New, self.ask(run, decide)),
        };
        run.snapshot.state = state;
        let pending = self.stored.pending();
        match (self.state, decision) {
            (_, Decision::Untouched) => return Ok(()),
            (State::New, Decision::Leave) => return write(&pending, &self.text),
            (State::Changed, Decision::Leave) => return Ok(()),
            (State::Same, _) => {}
            (_, Decision::Accept) => {
                write(path, &self.text)?;
                run.snapshot.state = SnapshotState::Accepted;
                run.failures.retain(|f| !matches!(f, Failure::Snapshot(_)));
            }
        }
        match fs::remove_file(&pending) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err((pending, error)),
            _ => Ok(()),
        }
    }

    fn ask(&self, run: &Run, decide: &mut dyn FnMut(Question<'_>) -> Decision) -> Decision {
        let changes = run.failures.iter().find_map(|failure| match failure {
            Failure::Snapshot(changes) => Some(changes),
            Failure::Expectation(_) => None,
        });
        changes.map_or(Decision::Untouched, |changes| {
            decide(Question {
                run: &run.name,
                changes,
                verdicts: &self.text,
            })
        })
    }
}

fn write(path: &Path, text: &str) -> Result<(), (std::path::PathBuf, io::Error)> {
    fs::write(path, text).map_err(|error| (path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::shuffle;

    #[test]
    fn a_seed_is_one_order_of_all() {
        let draw = |seed| {
            let mut places: Vec<usize> = (0..50).collect();
            shuffle(&mut places, seed);
            places
        };
        let mut sorted = draw(7);
        assert_eq!(sorted, draw(7));
        assert_ne!(sorted, draw(8));
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
