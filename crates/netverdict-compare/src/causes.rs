//! Changes by their cause.
//!
//! What changes a flow's first packet changes, as a rule, all that follow: when the rule that let a connection in is gone,
//! the packets that the rule for established ones let in are stopped too. And the capture shows how the flow went on under
//! OLD: under NEW its later packets would have been others, or none. So a flow belongs to the cause of its first change.
//! Only where that changed nothing on the wire (the deciding rule, a mark) is a graver change later a cause of its own.

use std::net::IpAddr;

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use netverdict_net::Device;
use netverdict_replay::{Cause as Reason, Fate, Verdict};

use crate::aspect::{Aspect, Aspects};
use crate::seen::Seen;

/// One host's part of a cause.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Side {
    verdict: Verdict,
    fate: Fate,
    rule: Option<u32>,
    reason: Option<String>,
    translation: Option<Translation>,
    out: Option<Device>,
    mark: Option<u32>,
}

/// What two translations of one cause have in common: all but the source port, which differs from flow to flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Translation {
    source: Option<IpAddr>,
    destination: Option<(IpAddr, u16)>,
}

/// What makes a cause that cause.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    aspects: Aspects,
    old: Side,
    new: Side,
}

/// Packets and bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
}

impl Sum {
    fn add(&mut self, len: u32) {
        self.packets += 1;
        self.bytes += u64::from(len);
    }
}

/// Packets that change in one way, with the first of them as both hosts see it.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) aspects: Aspects,
    pub(crate) old: Seen,
    pub(crate) new: Seen,
    pub(crate) sum: Sum,
}

/// One cause.
#[derive(Debug)]
pub(crate) struct Cause {
    /// The packets that it is the first change of, in their flows.
    pub(crate) main: Change,
    pub(crate) flows: u64,
    /// Later packets of these flows that change in other ways.
    pub(crate) later: Vec<Change>,
    later_index: HashMap<Key, usize, FixedState>,
}

impl Cause {
    /// All packets of the cause.
    pub(crate) fn sum(&self) -> Sum {
        let later = self.later.iter().map(|change| change.sum);
        later.fold(self.main.sum, |sum, more| Sum {
            packets: sum.packets + more.packets,
            bytes: sum.bytes + more.bytes,
        })
    }
}

/// The causes found so far.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    pub(crate) causes: Vec<Cause>,
    index: HashMap<Key, usize, FixedState>,
    /// Each changed flow's cause and its gravest change.
    flows: HashMap<u64, (usize, Aspect), FixedState>,
}

impl Causes {
    /// Adds a packet that changes.
    pub(crate) fn add(&mut self, aspects: Aspects, old: Seen, new: Seen) {
        let Some(gravest) = aspects.gravest() else {
            return;
        };
        let key = Key::of(aspects, &old, &new);
        let flow = flow(&old, &new);
        let known = flow.and_then(|flow| self.flows.get(&flow).copied());
        let (at, opens) = match known {
            Some((at, worst)) if worst <= gravest || is_on_the_wire(worst) => (at, false),
            _ => (self.cause(&key, aspects, &old, &new), true),
        };
        if let Some(flow) = flow.filter(|_| opens) {
            self.flows.insert(flow, (at, gravest));
        }
        let Some(cause) = self.causes.get_mut(at) else {
            return;
        };
        cause.flows += u64::from(opens && flow.is_some());
        if self.index.get(&key) == Some(&at) {
            cause.main.sum.add(old.len);
        } else {
            cause.add_later(key, aspects, old, new);
        }
    }

    /// How many flows change.
    pub(crate) fn flows(&self) -> u64 {
        self.flows.len() as u64
    }

    fn cause(&mut self, key: &Key, aspects: Aspects, old: &Seen, new: &Seen) -> usize {
        if let Some(at) = self.index.get(key) {
            return *at;
        }
        self.causes.push(Cause {
            main: Change {
                aspects,
                old: old.clone(),
                new: new.clone(),
                sum: Sum::default(),
            },
            flows: 0,
            later: Vec::new(),
            later_index: HashMap::default(),
        });
        self.index.insert(key.clone(), self.causes.len() - 1);
        self.causes.len() - 1
    }

    /// The causes, the gravest and then the largest first.
    pub(crate) fn into_sorted(self) -> Vec<Cause> {
        let mut causes = self.causes;
        // A stable sort keeps the order of first packets among equals.
        causes.sort_by_key(|cause| {
            let size = (cause.flows, cause.sum().packets);
            (cause.main.aspects.gravest(), std::cmp::Reverse(size))
        });
        causes
    }
}

impl Cause {
    fn add_later(&mut self, key: Key, aspects: Aspects, old: Seen, new: Seen) {
        let len = old.len;
        let next = self.later.len();
        let at = *self.later_index.entry(key).or_insert(next);
        if at == next {
            self.later.push(Change {
                aspects,
                old,
                new,
                sum: Sum::default(),
            });
        }
        if let Some(change) = self.later.get_mut(at) {
            change.sum.add(len);
        }
    }
}

impl Key {
    fn of(aspects: Aspects, old: &Seen, new: &Seen) -> Self {
        Self {
            aspects,
            old: Side::of(aspects, old),
            new: Side::of(aspects, new),
        }
    }
}

impl Side {
    fn of(aspects: Aspects, seen: &Seen) -> Self {
        let if_changed = |aspect| aspects.has(aspect).then_some(());
        Self {
            verdict: seen.verdict,
            fate: seen.fate,
            rule: seen.key,
            reason: seen.cause.map(|cause: Reason| cause.to_string()),
            translation: if_changed(Aspect::Translation).and_then(|()| translation(seen)),
            out: if_changed(Aspect::Interface).map(|()| seen.out),
            mark: if_changed(Aspect::Mark).map(|()| seen.mark),
        }
    }
}

fn translation(seen: &Seen) -> Option<Translation> {
    let (before, after) = seen.transport.zip(seen.nat)?;
    let destination = |t: &netverdict_engine::Transport| (t.destination, t.destination_port);
    Some(Translation {
        source: Some(after.source).filter(|source| *source != before.source),
        destination: Some(destination(&after)).filter(|d| *d != destination(&before)),
    })
}

/// Whether others than the host see the change.
fn is_on_the_wire(aspect: Aspect) -> bool {
    !matches!(aspect, Aspect::Mark | Aspect::Rule)
}

/// The packet's flow: OLD's number, or NEW's where OLD has none.
fn flow(old: &Seen, new: &Seen) -> Option<u64> {
    let new = || new.flow.map(|flow| flow.0 | 1 << 63);
    old.flow.map(|flow| flow.0).or_else(new)
}
