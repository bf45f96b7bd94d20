//! Expectations: connections that a helper announced (nf_conntrack_expect.c).

use netverdict_net::{Family, Jiffies, Protocol};

use super::entry::Master;
use super::{Addr, Conntrack, Direction, Helper, Status, Tuple};
use crate::CtId;
use crate::state::Rewind;

mod arrival;
mod store;

pub(super) use arrival::Arrival;
pub(crate) use arrival::{Binding, Bindings};
pub(super) use store::{Expectations, GreKey};

/// A connection that is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    /// What its first packet must have; the source only as far as the masks say.
    pub(super) tuple: Tuple,
    /// Which bits of the source address count.
    pub(super) source_mask: Addr,
    /// Which bits of the source port count.
    pub(super) port_mask: u16,
    /// Which of its helper's policies it is under.
    pub(super) class: u8,
    /// The helper that the expected connection gets.
    pub(super) helper: Option<Helper>,
    /// Whether any number of connections may fulfil it.
    pub(super) permanent: bool,
    /// Whether it waits for an answer before it counts.
    pub(super) inactive: bool,
    /// Whether another connection's announcement of the same is as good (`NF_CT_EXP_F_SKIP_MASTER`).
    pub(super) shared: bool,
    /// Where the sender really is, where `tuple` has a translated end.
    pub(super) saved: (Addr, u16),
    /// How the connection is translated.
    pub(super) arrival: Arrival,
    /// The connection that announced it, and its serial number: ids are used again.
    pub(super) master: (CtId, u64),
    pub(super) zone: u16,
    pub(super) expires: i64,
    /// Names it among all.
    pub(super) number: u64,
}

/// How many expectations of a class a connection may have at once, and how long each waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    /// 0 for any number.
    pub(super) max: usize,
    pub(super) seconds: i64,
}

/// Why a connection cannot be expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Another one waits for the same packets.
    Busy,
    /// The same was announced already, by another connection or as something else.
    Already,
    /// There are too many.
    Full,
}

/// Names an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ExpectationId(u64);

impl Expectation {
    /// One from a source, or anybody, with any port (`nf_ct_expect_init`).
    pub(super) const fn new(
        family: Family,
        protocol: Protocol,
        source: Option<Addr>,
        (destination, port): (Addr, u16),
    ) -> Self {
        let (source, source_mask) = match source {
            Some(source) => (source, Addr::MAX),
            None => (0, 0),
        };
        Self {
            tuple: Tuple {
                source,
                destination,
                source_port: 0,
                destination_port: port,
                protocol,
                family,
            },
            source_mask,
            port_mask: 0,
            class: 0,
            helper: None,
            permanent: false,
            inactive: false,
            shared: false,
            saved: (0, 0),
            arrival: Arrival::Plain,
            master: (CtId(0), 0),
            zone: 0,
            expires: 0,
            number: 0,
        }
    }

    /// Like [`Self::new`], of one source port only.
    pub(super) const fn with_source_port(mut self, port: u16) -> Self {
        self.tuple.source_port = port;
        self.port_mask = u16::MAX;
        self
    }

    /// `nf_ct_exp_equal`.
    fn fits(&self, tuple: &Tuple, zone: u16) -> bool {
        self.agrees(tuple, self.source_mask, self.port_mask) && self.zone == zone
    }

    const fn agrees(&self, tuple: &Tuple, source_mask: Addr, port_mask: u16) -> bool {
        let own = &self.tuple;
        own.family as u8 == tuple.family as u8
            && own.protocol.0 == tuple.protocol.0
            && own.destination == tuple.destination
            && own.destination_port == tuple.destination_port
            && (own.source ^ tuple.source) & source_mask == 0
            && (own.source_port ^ tuple.source_port) & port_mask == 0
    }

    /// `expect_matches`.
    fn is_same(&self, other: &Self) -> bool {
        self.tuple == other.tuple
            && self.source_mask == other.source_mask
            && self.port_mask == other.port_mask
            && self.zone == other.zone
    }

    /// Whether a connection could fit both (`expect_clash`).
    fn clashes(&self, other: &Self) -> bool {
        let source_mask = self.source_mask & other.source_mask;
        let port_mask = self.port_mask & other.port_mask;
        self.agrees(&other.tuple, source_mask, port_mask) && self.zone == other.zone
    }
}

impl Conntrack {
    /// Announces a connection (`nf_ct_expect_related`).
    pub(super) fn expect(
        &mut self,
        master: CtId,
        mut new: Expectation,
        now: Jiffies,
    ) -> Result<ExpectationId, Refused> {
        self.drop_stale(now);
        let (entry, helper) = self
            .table
            .get(master)
            .and_then(|entry| Some((entry, entry.helper()?)))
            .ok_or(Refused::Full)?;
        new.master = (master, entry.serial());
        new.zone = entry.zone.id;
        let policy = helper.policy(new.class);
        let expectations = &mut self.expectations;
        let mut replaced = None;
        for waiting in expectations.newest_first() {
            let own = waiting.master == new.master;
            if (own || new.shared) && waiting.is_same(&new) {
                if !own || waiting.class != new.class {
                    return Err(Refused::Already);
                }
                replaced = Some(waiting.number);
                break;
            }
            if waiting.clashes(&new) {
                return Err(Refused::Busy);
            }
        }
        if let Some(number) = replaced {
            expectations.remove(number);
        }
        if policy.max != 0 {
            let of_class =
                |waiting: &&Expectation| waiting.master == new.master && waiting.class == new.class;
            let count = expectations.newest_first().filter(of_class).count();
            let oldest = expectations.newest_first().filter(of_class).last();
            if count >= policy.max
                && let Some(number) = oldest.map(|oldest| oldest.number)
            {
                expectations.remove(number);
            }
        }
        if expectations.len() >= self.settings.expect_max as usize {
            return Err(Refused::Full);
        }
        new.expires = now.0 + policy.seconds * self.settings.hz;
        Ok(ExpectationId(expectations.add(new)))
    }

    /// Takes an announcement back (`nf_ct_unexpect_related`).
    pub(super) fn unexpect(&mut self, id: ExpectationId) {
        self.expectations.remove(id.0);
    }

    /// An expectation that a packet of this tuple would meet, active or not (`__nf_ct_expect_find`).
    pub(super) fn find_expectation(
        &self,
        tuple: &Tuple,
        zone: u16,
    ) -> Option<(ExpectationId, &Expectation)> {
        let found = self
            .expectations
            .newest_first()
            .find(|waiting| waiting.fits(tuple, zone))?;
        Some((ExpectationId(found.number), found))
    }

    /// What another connection with the same helper announced of this class for such a packet: where the sender really
    /// is, and where it is expected.
    pub(super) fn known_expectation(
        &self,
        own: CtId,
        tuple: &Tuple,
        class: u8,
    ) -> Option<((Addr, u16), (Addr, u16))> {
        let entry = self.table.get(own)?;
        let (_, found) = self.find_expectation(tuple, entry.zone.id)?;
        let master = self.table.get(found.master.0)?;
        let is_known = found.master.0 != own
            && master.helper() == entry.helper()
            && master.protocol() == entry.protocol()
            && found.class == class;
        let end = (found.tuple.destination, found.tuple.destination_port);
        is_known.then_some((found.saved, end))
    }

    /// The expectation that a new connection fulfils (`nf_ct_find_expectation`). It is used up, unless it is permanent.
    pub(super) fn expected(
        &mut self,
        tuple: &Tuple,
        zone: u16,
        now: Jiffies,
    ) -> Option<Expectation> {
        if self.expectations.len() == 0 {
            return None;
        }
        self.drop_stale(now);
        let found = self
            .expectations
            .newest_first()
            .find(|waiting| !waiting.inactive && waiting.fits(tuple, zone))?
            .clone();
        let master = self.table.get(found.master.0)?;
        if !master.is_confirmed() || master.status.contains(Status::DYING) {
            return None;
        }
        if !found.permanent {
            self.expectations.remove(found.number);
        }
        Some(found)
    }

    /// Forgets those nobody came for and those whose announcer is gone.
    pub(super) fn drop_stale(&mut self, now: Jiffies) {
        let table = &self.table;
        let is_stale = |waiting: &Expectation| {
            let (id, serial) = waiting.master;
            waiting.expires <= now.0 || table.get(id).is_none_or(|entry| entry.serial() != serial)
        };
        self.expectations.forget_where(is_stale);
    }

    /// Forgets what a connection announced, of the classes that `of` picks.
    pub(super) fn forget_expected(&mut self, master: CtId, of: impl Fn(u8) -> bool) {
        self.expectations
            .forget_where(|waiting| waiting.master.0 == master && of(waiting.class));
    }

    /// Forgets the newest announcement of one class.
    pub(super) fn forget_newest(&mut self, master: CtId, class: u8) {
        let newest = self
            .expectations
            .newest_first()
            .find(|waiting| waiting.master.0 == master && waiting.class == class);
        if let Some(number) = newest.map(|newest| newest.number) {
            self.expectations.remove(number);
        }
    }

    /// Activates the connection's announcement of this end and lets it wait so many seconds from now. Whether there was
    /// one.
    pub(super) fn activate(
        &mut self,
        master: CtId,
        class: u8,
        protocol: Protocol,
        (address, port): (Addr, u16),
        seconds: u32,
        now: Jiffies,
    ) -> bool {
        let found = self.expectations.newest_first().find(|waiting| {
            waiting.master.0 == master
                && waiting.class == class
                && waiting.tuple.protocol == protocol
                && waiting.tuple.destination == address
                && waiting.tuple.destination_port == port
        });
        let Some(number) = found.map(|found| found.number) else {
            return false;
        };
        // In the kernel's 32 bits of seconds times HZ.
        let ticks = i64::from(seconds.wrapping_mul(self.settings.hz as u32));
        self.expectations.change(number, |waiting| {
            waiting.inactive = false;
            waiting.expires = now.0 + ticks;
        });
        true
    }

    /// Makes a new connection the expected one: it takes over the mark of the one that announced it.
    pub(super) fn fulfil(&mut self, id: CtId, expectation: &Expectation) {
        let Some(master) = self.table.get(expectation.master.0) else {
            return;
        };
        let kept = Master {
            original: *master.original(),
            helper: master.helper().map(Helper::name),
        };
        let (tuples, status, mark) = (
            [*master.original(), *master.reply()],
            master.status,
            master.mark,
        );
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        entry.status.insert(Status::EXPECTED);
        entry.mark = mark;
        let first = *entry.original();
        let bindings = expectation.bindings(&tuples, &first);
        let extra = entry.extra_mut();
        extra.master = Some(kept);
        extra.helper = expectation.helper.map(|helper| (helper, helper.state()));
        extra.bindings = bindings;
        if expectation.arrival.is_pptp() {
            self.unexpect_other_way(expectation, &tuples, status);
        }
    }

    /// Takes the translation that an expected connection is still to be given.
    pub(crate) fn take_bindings(&mut self, id: CtId) -> Option<Bindings> {
        self.table.get(id)?.extra()?.bindings?;
        self.table.get_mut(id)?.extra_mut().bindings.take()
    }
}

impl Rewind for Expectations {
    fn checkpoint(&mut self) {
        self.record();
    }

    fn rollback(&mut self) {
        self.restore();
    }

    fn commit(&mut self) {
        self.settle();
    }
}

/// The tuple of one direction.
const fn tuple_of(tuples: &[Tuple; 2], direction: Direction) -> &Tuple {
    let [original, reply] = tuples;
    match direction {
        Direction::Original => original,
        Direction::Reply => reply,
    }
}

#[cfg(test)]
mod tests;
