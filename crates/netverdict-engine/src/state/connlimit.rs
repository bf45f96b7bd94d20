//! The counts of `-m connlimit` (net/netfilter/nf_conncount.c): by key, the connections that a rule's packets opened.
//!
//! A list is swept at most once a tick, and only when a packet asks. What a sweep has not met yet counts.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_net::Jiffies;

use super::Rewind;
use super::journal::Journal;
use crate::conntrack::{Conntrack, TcpState, Tuple, Zone};

/// What packets are counted together by: the masked address and the zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CountKey {
    pub(crate) address: u128,
    pub(crate) zone: u16,
}

/// The connection that a packet belongs to, or would.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) tuple: Tuple,
    pub(crate) zone: Zone,
    /// Whether it is in the table of connections.
    pub(crate) confirmed: bool,
    /// Whether it is assured: such a one was counted when it was opened.
    pub(crate) assured: bool,
}

/// Connections met in one pass, at most, that are gone (`CONNCOUNT_GC_MAX_COLLECT`).
const MAX_COLLECT: usize = 64;

#[derive(Debug, Clone)]
struct List {
    connections: Vec<(Tuple, Zone)>,
    swept: i64,
    count_when_swept: usize,
}

type Tree = HashMap<CountKey, List, FixedState>;

/// One tree of lists for each rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnCounts {
    trees: Vec<Tree>,
    journal: Journal<(usize, CountKey, Option<List>)>,
}

impl ConnCounts {
    /// Makes a rule's own tree and returns its number.
    pub(crate) fn add(&mut self) -> usize {
        self.trees.push(Tree::default());
        self.trees.len() - 1
    }

    /// Counts the connections of a key, this one included where it is new. 0 makes the match drop the packet.
    pub(crate) fn count(
        &mut self,
        tree: usize,
        key: CountKey,
        subject: &Subject,
        now: Jiffies,
        conntrack: &mut Conntrack,
    ) -> usize {
        let Some(lists) = self.trees.get_mut(tree) else {
            return 0;
        };
        let old = lists.get(&key);
        self.journal.note(|| (tree, key, old.cloned()));
        if let Some(list) = lists.get_mut(&key) {
            list.count(subject, now, conntrack);
            return list.connections.len();
        }
        lists.insert(
            key,
            List {
                connections: vec![(subject.tuple, subject.zone)],
                swept: now.0,
                count_when_swept: 0,
            },
        );
        1
    }
}

impl List {
    /// `__nf_conncount_add`, and the sweep that stands in for it where the connection is assured.
    fn count(&mut self, subject: &Subject, now: Jiffies, conntrack: &mut Conntrack) {
        let fresh = self.is_fresh(now);
        if subject.confirmed && subject.assured {
            if !fresh {
                self.sweep(None, now, conntrack);
            }
            return;
        }
        // In a tick that saw a sweep new connections are added unseen, even twice.
        if (subject.confirmed || !fresh) && self.sweep(Some(subject), now, conntrack) {
            return;
        }
        self.connections.push((subject.tuple, subject.zone));
    }

    fn is_fresh(&self, now: Jiffies) -> bool {
        self.swept == now.0
            && self.connections.len().saturating_sub(self.count_when_swept) < MAX_COLLECT
    }

    /// Leaves out connections that are gone or closed. Stops with `true` at the one sought, if it is there.
    fn sweep(&mut self, sought: Option<&Subject>, now: Jiffies, conntrack: &mut Conntrack) -> bool {
        let mut collected = 0;
        let mut at = 0;
        while let Some((tuple, zone)) = self.connections.get(at) {
            if sought.is_some() && collected > MAX_COLLECT {
                break;
            }
            let state = state(tuple, *zone, now, conntrack);
            let is_sought = sought.is_some_and(|s| s.tuple == *tuple && s.zone == *zone);
            match state {
                State::Gone => {}
                _ if is_sought => return true,
                State::Closed => {}
                State::Open => {
                    at += 1;
                    if collected > MAX_COLLECT {
                        break;
                    }
                    continue;
                }
            }
            self.connections.remove(at);
            collected += 1;
        }
        self.swept = now.0;
        self.count_when_swept = self.connections.len();
        false
    }
}

enum State {
    Gone,
    /// A TCP connection that only waits for late packets.
    Closed,
    Open,
}

fn state(tuple: &Tuple, zone: Zone, now: Jiffies, conntrack: &mut Conntrack) -> State {
    let found = conntrack.find(tuple, zone, now);
    match found.and_then(|(id, _)| conntrack.entry(id)) {
        None => State::Gone,
        Some(entry) => match entry.tcp_state() {
            Some(TcpState::TimeWait | TcpState::Close) => State::Closed,
            _ => State::Open,
        },
    }
}

impl Rewind for ConnCounts {
    fn checkpoint(&mut self) {
        self.journal.start();
    }

    fn rollback(&mut self) {
        for (tree, key, old) in self.journal.take().into_iter().rev() {
            let Some(lists) = self.trees.get_mut(tree) else {
                continue;
            };
            match old {
                Some(list) => lists.insert(key, list),
                None => lists.remove(&key),
            };
        }
    }

    fn commit(&mut self) {
        self.journal.stop();
    }
}
