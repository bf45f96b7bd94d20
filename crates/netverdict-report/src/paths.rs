//! The ways packets took, told apart but not told twice: thousands of packets share a few.
//!
//! A replay watches packets by position in one thread and hands records on in another call, so that the ways wait here
//! until their record comes.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use netverdict_engine::{Event, Observer, RuleRef};
use netverdict_replay::Watch;
use netverdict_ruleset::{Hook, TableKind};

/// How many different ways are kept.
const PATHS: usize = 50_000;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PathId(pub(crate) u32);

impl PathId {
    /// None: not replayed, or not kept.
    pub(crate) const NONE: Self = Self(0);
}

/// One step, without what differs from packet to packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Hook(Hook),
    Table(TableKind),
    Skipped(TableKind, &'static str),
    Rule(RuleRef),
    Enter,
    Return,
    Policy(RuleRef),
    /// Anything worth a word: connection tracking, routing, changes.
    Said(&'static str, String),
}

type Path = Box<[Step]>;

#[derive(Debug, Default)]
struct Shared {
    ids: HashMap<Path, PathId>,
    /// By id, from 1.
    all: Vec<Path>,
    /// Position and way of packets whose record has not come yet.
    waiting: VecDeque<(u64, PathId)>,
    omitted: u64,
}

/// The ways seen so far.
#[derive(Debug, Clone, Default)]
pub struct Paths(Arc<Mutex<Shared>>);

impl Paths {
    /// Sees nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the replay is to be watched with.
    pub fn watch(&self) -> Watcher {
        Watcher {
            paths: self.clone(),
            current: None,
            steps: Vec::new(),
        }
    }

    /// The way of the packet at this position; positions come in order.
    pub(crate) fn take(&self, position: u64) -> PathId {
        let mut shared = self.lock();
        while let Some(&(first, path)) = shared.waiting.front() {
            if first > position {
                break;
            }
            shared.waiting.pop_front();
            if first == position {
                return path;
            }
        }
        PathId::NONE
    }

    /// All ways, in the order of their ids, from 1.
    pub(crate) fn all(&self) -> Vec<Path> {
        self.lock().all.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn id(&mut self, path: &[Step]) -> PathId {
        if let Some(id) = self.ids.get(path) {
            return *id;
        }
        if self.all.len() >= PATHS {
            self.omitted += 1;
            return PathId::NONE;
        }
        let path: Path = path.into();
        self.all.push(path.clone());
        let id = PathId(self.all.len() as u32);
        self.ids.insert(path, id);
        id
    }
}

/// Watches every packet.
#[derive(Debug)]
pub struct Watcher {
    paths: Paths,
    current: Option<u64>,
    steps: Vec<Step>,
}

impl Watcher {
    fn finish(&mut self) {
        if let Some(position) = self.current.take()
            && !self.steps.is_empty()
        {
            let mut shared = self.paths.lock();
            let id = shared.id(&self.steps);
            shared.waiting.push_back((position, id));
        }
        self.steps.clear();
    }
}

impl Watch for Watcher {
    fn observer(&mut self, position: u64) -> Option<&mut dyn Observer> {
        self.finish();
        self.current = Some(position);
        Some(self)
    }
}

impl Observer for Watcher {
    fn event(&mut self, event: &Event<'_>) {
        let said = |what, text: &str| Some(Step::Said(what, text.to_owned()));
        let step = match event {
            Event::Hook { hook, .. } => Some(Step::Hook(*hook)),
            Event::Table { table, .. } => Some(Step::Table(*table)),
            Event::TableSkipped { table, why, .. } => Some(Step::Skipped(*table, why)),
            Event::RuleMatched { rule, .. } => Some(Step::Rule(*rule)),
            Event::Enter { .. } => Some(Step::Enter),
            Event::Return { .. } => Some(Step::Return),
            Event::Policy { rule, .. } => Some(Step::Policy(*rule)),
            Event::Defrag { completed } => said(
                "defragmentation",
                if completed.is_some() {
                    "completes a datagram"
                } else {
                    "holds a fragment"
                },
            ),
            Event::Conntrack(tracking) => {
                let state = tracking.state.to_string();
                said(
                    "conntrack",
                    &tracking
                        .why
                        .map_or(state.clone(), |why| format!("{state}: {why}")),
                )
            }
            Event::Changed { what, .. } => said("changes", what),
            Event::Emitted(emission) => said("sends", &emission.why),
            Event::Route { out_device, .. } => said("route", &out_device.to_string()),
            Event::Confirmed(_) => said("conntrack", "confirmed"),
            // Where the packet ended and why is the record's.
            Event::End { .. } => {
                self.finish();
                None
            }
            Event::Basics { .. } | Event::Match { .. } | Event::Note { .. } => None,
        };
        self.steps.extend(step);
    }
}
