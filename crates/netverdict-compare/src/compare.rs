//! Both hosts through the same captures, in step.

use std::io;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use netverdict_capture::{Captures, Summary};
use netverdict_replay::{Fate, Options, Progress, ReplayError, Session, Setup, Totals, Verdict};

use crate::Aspects;
use crate::causes::{Cause, Causes};
use crate::rules::Matching;
use crate::seen::{Feed, Seen};

/// How many batches one host may be ahead of the other.
const AHEAD: usize = 8;

/// Two hosts to be compared.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'p> {
    /// The host as it was.
    pub old: &'p Setup,
    /// The host as it is to be.
    pub new: &'p Setup,
    /// What each replay does beside following packets.
    pub options: Options,
    /// What is compared.
    pub aspects: Aspects,
    /// Whether a rule that moved is another rule.
    pub strict_rules: bool,
}

/// Why a comparison ended early.
#[derive(Debug, thiserror::Error)]
pub enum CompareError<E> {
    /// The captures could not be opened.
    #[error("the captures cannot be opened")]
    Open(E),
    /// A replay ended early.
    #[error("{error}")]
    Replay {
        /// Whether it was that of the new host.
        is_new: bool,
        /// Why.
        error: ReplayError,
    },
}

/// What a comparison found.
#[derive(Debug)]
pub struct Compared {
    pub(crate) frames: u64,
    pub(crate) packets: u64,
    pub(crate) skipped: u64,
    pub(crate) evidence: u64,
    /// Frames that only one host replays: for the other they continue earlier ones.
    pub(crate) one_sided: u64,
    pub(crate) flows: u64,
    pub(crate) changed_packets: u64,
    pub(crate) changed_flows: u64,
    pub(crate) causes: Vec<Cause>,
    pub(crate) matching: Matching,
    pub(crate) old_totals: Totals,
    pub(crate) new_totals: Totals,
    pub(crate) captures: Vec<Summary>,
    pub(crate) warnings: Vec<String>,
}

impl Compared {
    /// Whether any packet changes.
    pub fn changes(&self) -> bool {
        self.changed_packets > 0
    }

    /// The captures that were read.
    pub fn captures(&self) -> &[Summary] {
        &self.captures
    }
}

/// What is left of one replay.
#[derive(Debug)]
struct Ran {
    totals: Totals,
    captures: Vec<Summary>,
    warnings: Vec<String>,
}

/// Takes both hosts through the streams that `open` opens, each with a fresh host of its own.
///
/// # Errors
/// The captures cannot be opened or read, or a packet cannot be decided and must be.
pub fn compare<E, I>(
    pair: &Pair<'_>,
    open: impl Fn() -> I + Sync,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Compared, CompareError<E>>
where
    E: Send,
    I: Iterator<Item = Result<Captures, E>>,
{
    let matching = Matching::new(pair.old, pair.new, pair.strict_rules);
    let (to_old, from_old) = sync_channel(AHEAD);
    let (to_new, from_new) = sync_channel(AHEAD);
    let mut tally = Tally::default();
    let (old, new) = thread::scope(|scope| {
        let (open, keys) = (&open, &matching);
        let old = scope.spawn(move || {
            let feed = Feed::new(&keys.old, to_old);
            replay(pair.old, pair.options, open(), feed, progress)
        });
        let new = scope.spawn(move || {
            let feed = Feed::new(&keys.new, to_new);
            replay(pair.new, pair.options, open(), feed, &|_| ())
        });
        tally.take(from_old, from_new, pair.aspects);
        (old.join(), new.join())
    });
    let ran = |joined: thread::Result<Result<Ran, Ended<E>>>| match joined {
        Ok(ran) => ran,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let (old, new) = both(ran(old), ran(new))?;
    Ok(tally.finish(matching, old, new))
}

/// Why one replay ended early.
enum Ended<E> {
    Open(E),
    Replay(ReplayError),
}

/// Both results, or the error that came first: the other replay then ends since nobody listens.
fn both<E>(
    old: Result<Ran, Ended<E>>,
    new: Result<Ran, Ended<E>>,
) -> Result<(Ran, Ran), CompareError<E>> {
    let is_echo = |ended: &Ended<E>| matches!(ended, Ended::Replay(ReplayError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe);
    let failed = |ended, is_new| match ended {
        Ended::Open(error) => CompareError::Open(error),
        Ended::Replay(error) => CompareError::Replay { is_new, error },
    };
    match (old, new) {
        (Ok(old), Ok(new)) => Ok((old, new)),
        (Err(old), Err(new)) if is_echo(&old) => Err(failed(new, true)),
        (Err(old), _) => Err(failed(old, false)),
        (Ok(_), Err(new)) => Err(failed(new, true)),
    }
}

fn replay<E>(
    setup: &Setup,
    options: Options,
    streams: impl Iterator<Item = Result<Captures, E>>,
    mut feed: Feed<'_>,
    progress: &dyn Fn(Progress),
) -> Result<Ran, Ended<E>> {
    let mut session = Session::new(setup, options);
    for (captures, index) in streams.zip(0..) {
        if index > 0 {
            session.restart();
        }
        let captures = captures.map_err(Ended::Open)?;
        let ran = session.run(captures, &mut feed, &mut (), progress);
        ran.map_err(Ended::Replay)?;
    }
    let flushed = feed.flush();
    flushed.map_err(|error| Ended::Replay(ReplayError::Output(error)))?;
    Ok(Ran {
        totals: session.totals(),
        captures: session.captures().to_vec(),
        warnings: session.warnings(),
    })
}

/// What is counted on the way.
#[derive(Debug, Default)]
struct Tally {
    frames: u64,
    packets: u64,
    skipped: u64,
    evidence: u64,
    one_sided: u64,
    flows: u64,
    changed_packets: u64,
    causes: Causes,
}

impl Tally {
    /// Takes both hosts' views of each packet, in order, until one of them ends.
    fn take(&mut self, old: Receiver<Vec<Seen>>, new: Receiver<Vec<Seen>>, aspects: Aspects) {
        let (old, new) = (old.into_iter().flatten(), new.into_iter().flatten());
        for (old, new) in old.zip(new) {
            self.add(old, new, aspects);
        }
    }

    fn add(&mut self, old: Seen, new: Seen, wanted: Aspects) {
        self.frames += 1;
        let is_evidence = |seen: &Seen| seen.fate == Fate::Evidence;
        let is_skipped = |seen: &Seen| seen.verdict == Verdict::Skipped;
        match (is_evidence(&old), is_evidence(&new)) {
            (true, true) => {
                self.evidence += 1;
                return;
            }
            (false, false) => {}
            _ => {
                self.one_sided += 1;
                return;
            }
        }
        if is_skipped(&old) && is_skipped(&new) {
            self.skipped += 1;
            return;
        }
        self.packets += 1;
        self.flows = self.flows.max(old.flow.map_or(0, |flow| flow.0));
        let aspects = Aspects::differing(&old, &new, wanted);
        if aspects != Aspects::NONE {
            self.changed_packets += 1;
            self.causes.add(aspects, old, new);
        }
    }

    fn finish(self, matching: Matching, old: Ran, new: Ran) -> Compared {
        let mut warnings = old.warnings;
        for warning in new.warnings {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        Compared {
            frames: self.frames,
            packets: self.packets,
            skipped: self.skipped,
            evidence: self.evidence,
            one_sided: self.one_sided,
            flows: self.flows,
            changed_packets: self.changed_packets,
            changed_flows: self.causes.flows(),
            causes: self.causes.into_sorted(),
            matching,
            old_totals: old.totals,
            new_totals: new.totals,
            captures: old.captures,
            warnings,
        }
    }
}
