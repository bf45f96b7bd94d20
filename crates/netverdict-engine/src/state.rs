//! All that moves between packets, behind one seam: what a packet changed can be taken back.
//!
//! An undecidable match makes the engine follow a packet both ways. Only one way may leave traces, so every store here
//! can be rewound to the last checkpoint.

mod accounts;
mod connlimit;
mod counters;
mod estimators;
mod flows;
mod hashlimit;
mod journal;
mod limit;
mod peers;
mod random;
mod recent;
mod rules;
mod sets;
mod slots;

pub(crate) use connlimit::{CountKey, Subject};
pub(crate) use counters::CounterStore;
pub(crate) use flows::Flows;
pub(crate) use hashlimit::{Charge, Full, Grouping, Key, Settings};
pub(crate) use limit::{Bucket, NftBucket};
pub(crate) use peers::Peers;
pub(crate) use random::Random;
pub(crate) use recent::{Probe, Window};
pub(crate) use rules::RuleState;
pub(crate) use sets::{Adding, Changed, Query};
pub(crate) use slots::Slot;

use netverdict_host::Host;

use crate::Config;
use crate::conntrack::Conntrack;
use crate::defrag::Defrag;

/// A store whose changes since the last checkpoint can be taken back.
pub(crate) trait Rewind {
    /// Starts recording changes. What was recorded before is forgotten.
    fn checkpoint(&mut self);
    /// Takes back every change since the checkpoint and stops recording.
    fn rollback(&mut self);
    /// Keeps the changes and stops recording.
    fn commit(&mut self);
}

/// The state of one network namespace: one field a store.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) conntrack: Conntrack,
    pub(crate) defrag: Defrag,
    pub(crate) counters: CounterStore,
    pub(crate) flows: Flows,
    /// Whom the host told of errors of late.
    pub(crate) peers: Peers,
    pub(crate) random: Random,
    /// What matches remember.
    pub(crate) rules: RuleState,
}

impl State {
    /// Empty tables under the host's settings.
    pub(crate) fn new(host: &Host, config: &Config) -> Self {
        Self {
            conntrack: Conntrack::for_host(host, config),
            defrag: Defrag::for_host(host, config),
            peers: Peers::for_host(host, config),
            random: Random::new(config.seed),
            ..Self::default()
        }
    }

    /// Makes room for what the rules of another state's engine keep, so far as those keep counters and templates only.
    pub(crate) fn take_layout(&mut self, other: &Self) {
        self.counters.reserve(other.counters.len());
        self.conntrack.take_layout(&other.conntrack);
    }

    fn stores(&mut self) -> [&mut dyn Rewind; 7] {
        [
            &mut self.conntrack,
            &mut self.defrag,
            &mut self.counters,
            &mut self.flows,
            &mut self.peers,
            &mut self.random,
            &mut self.rules,
        ]
    }
}

impl Rewind for State {
    fn checkpoint(&mut self) {
        self.stores().into_iter().for_each(Rewind::checkpoint);
    }

    fn rollback(&mut self) {
        self.stores().into_iter().for_each(Rewind::rollback);
    }

    fn commit(&mut self) {
        self.stores().into_iter().for_each(Rewind::commit);
    }
}
