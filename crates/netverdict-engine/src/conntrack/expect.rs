//! Expectations: connections that a helper announced (nf_conntrack_expect.c).

use netverdict_net::{Family, Jiffies, Protocol};

use super::entry::Master;
use super::{Addr, Conntrack, Direction, Helper, Status, Tuple, Zone};
use crate::CtId;
use crate::state::Rewind;

/// A connection that is expected: from whom, to where. `None` stands for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    pub(super) family: Family,
    pub(super) protocol: Protocol,
    pub(super) source: Option<Addr>,
    pub(super) source_port: Option<u16>,
    pub(super) destination: Addr,
    pub(super) destination_port: u16,
    pub(super) master: CtId,
    pub(super) zone: Zone,
    pub(super) expires: i64,
    /// How it is translated, where the one that announced it is.
    pub(super) follow: Option<Follow>,
}

/// The ends of an expected connection behind its translation (`nf_nat_follow_master`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Follow {
    pub(super) source: Addr,
    pub(super) destination: Addr,
    pub(super) port: u16,
}

/// How many expectations a helper may have at once, and how long each waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) max: usize,
    pub(super) seconds: i64,
}

impl Expectation {
    fn fits(&self, tuple: &Tuple, zone: Zone) -> bool {
        self.family == tuple.family
            && self.protocol == tuple.protocol
            && self.destination == tuple.destination
            && self.destination_port == tuple.destination_port
            && self.source.is_none_or(|source| source == tuple.source)
            && self
                .source_port
                .is_none_or(|port| port == tuple.source_port)
            && self.zone == zone
    }

    fn same(&self, other: &Self) -> bool {
        let kept = Self {
            expires: self.expires,
            master: self.master,
            ..other.clone()
        };
        *self == kept
    }

    /// Whether a connection could fit both.
    fn clashes(&self, other: &Self) -> bool {
        let agree = |a: Option<Addr>, b: Option<Addr>| a.is_none() || b.is_none() || a == b;
        self.family == other.family
            && self.protocol == other.protocol
            && self.destination == other.destination
            && self.destination_port == other.destination_port
            && agree(self.source, other.source)
            && (self.source_port.is_none()
                || other.source_port.is_none()
                || self.source_port == other.source_port)
            && self.zone == other.zone
    }
}

/// All expectations, oldest first.
#[derive(Debug, Default)]
pub(super) struct Expectations {
    waiting: Vec<Expectation>,
    /// What a checkpoint remembers, once anything changed.
    saved: Option<Vec<Expectation>>,
    recording: bool,
}

impl Expectations {
    fn change(&mut self) -> &mut Vec<Expectation> {
        if self.recording && self.saved.is_none() {
            self.saved = Some(self.waiting.clone());
        }
        &mut self.waiting
    }

    /// Forgets what the connection announced.
    pub(super) fn forget(&mut self, master: CtId) {
        if self.waiting.iter().any(|waiting| waiting.master == master) {
            self.change().retain(|waiting| waiting.master != master);
        }
    }

    /// Forgets those nobody came for.
    pub(super) fn sweep(&mut self, now: Jiffies) {
        if self.waiting.iter().any(|waiting| waiting.expires <= now.0) {
            self.change().retain(|waiting| waiting.expires > now.0);
        }
    }

    /// Takes out the expectation that a new connection fulfils.
    pub(super) fn take(&mut self, tuple: &Tuple, zone: Zone, now: Jiffies) -> Option<Expectation> {
        if self.waiting.is_empty() {
            return None;
        }
        self.sweep(now);
        let index = self
            .waiting
            .iter()
            .rposition(|waiting| waiting.fits(tuple, zone))?;
        Some(self.change().remove(index))
    }

    fn len_of(&self, master: CtId) -> usize {
        self.waiting
            .iter()
            .filter(|waiting| waiting.master == master)
            .count()
    }
}

impl Conntrack {
    /// Announces a connection (`nf_ct_expect_related`). False where it cannot be: the helper then drops the packet.
    pub(super) fn expect(&mut self, new: Expectation, policy: Policy, now: Jiffies) -> bool {
        let expectations = &mut self.expectations;
        expectations.sweep(now);
        let mut replaced = None;
        for (index, waiting) in expectations.waiting.iter().enumerate().rev() {
            if waiting.same(&new) {
                if waiting.master != new.master {
                    return false;
                }
                replaced = Some(index);
                break;
            }
            if waiting.clashes(&new) {
                return false;
            }
        }
        if let Some(index) = replaced {
            expectations.change().remove(index);
        }
        if expectations.len_of(new.master) >= policy.max {
            let oldest = expectations
                .waiting
                .iter()
                .position(|waiting| waiting.master == new.master);
            if let Some(oldest) = oldest {
                expectations.change().remove(oldest);
            }
        }
        if expectations.waiting.len() >= self.settings.expect_max as usize {
            return false;
        }
        let expires = now.0 + policy.seconds * self.settings.hz;
        expectations.change().push(Expectation { expires, ..new });
        true
    }

    /// Makes a new connection the expected one: it takes over the mark of the one that announced it.
    pub(super) fn fulfil(&mut self, id: CtId, expectation: &Expectation) {
        let Some(master) = self.table.get(expectation.master) else {
            return;
        };
        let kept = Master {
            original: *master.tuple(Direction::Original),
            helper: master.helper().map(Helper::name),
        };
        let mark = master.mark;
        if let Some(entry) = self.table.get_mut(id) {
            entry.status.insert(Status::EXPECTED);
            entry.mark = mark;
            entry.extra_mut().master = Some(kept);
        }
        if let Some(follow) = expectation.follow {
            self.follow(id, follow);
        }
    }

    /// Translates a new connection as the one that announced it.
    fn follow(&mut self, id: CtId, follow: Follow) {
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        let original = *entry.original();
        let translated = Tuple {
            source: follow.source,
            destination: follow.destination,
            destination_port: follow.port,
            ..original
        };
        if let Some(reply) = translated.invert() {
            entry.set_reply(reply);
        }
        if translated.source != original.source {
            entry.status.insert(Status::SRC_NAT);
        }
        if (translated.destination, translated.destination_port)
            != (original.destination, original.destination_port)
        {
            entry.status.insert(Status::DST_NAT);
        }
        entry.status.insert(Status::NAT_DONE);
        self.table.add_source(id);
    }
}

impl Rewind for Expectations {
    fn checkpoint(&mut self) {
        self.saved = None;
        self.recording = true;
    }

    fn rollback(&mut self) {
        self.recording = false;
        if let Some(saved) = self.saved.take() {
            self.waiting = saved;
        }
    }

    fn commit(&mut self) {
        self.recording = false;
        self.saved = None;
    }
}
