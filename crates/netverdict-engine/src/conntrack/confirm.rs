//! The last hook at INPUT and POSTROUTING: a new connection enters the table (`nf_confirm`).

use netverdict_net::Jiffies;

use super::helper::{Help, HelperCx};
use super::table::allows_clash;
use super::{Conntrack, Direction, Status};
use crate::{Connection, CtId, CtInfo, Reason, Skb};

/// What confirmation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// Nothing to do.
    Already,
    /// The connection is in the table now.
    Confirmed,
    /// Another connection had its tuples; the packet belongs to that one now.
    Adopted,
    /// The packet is dropped.
    Drop(Reason),
}

impl Conntrack {
    /// Runs the connection's helper and puts a new connection into the table (INPUT and POSTROUTING, last).
    pub(crate) fn confirm(&mut self, skb: &mut Skb<'_>, cx: &mut HelperCx<'_>) -> Confirm {
        let now = cx.now.jiffies;
        let Connection::Tracked { id, info } = skb.connection else {
            return Confirm::Already;
        };
        match self.help(skb, id, info, cx) {
            Help::Accept => {}
            Help::Drop => return Confirm::Drop(Reason::Helper),
            Help::Unknown(why) => {
                let helper = self.table.get(id).and_then(super::Entry::helper);
                cx.unknown = helper.map(|helper| (helper, why));
            }
        }
        let Some(entry) = self.table.get(id) else {
            return Confirm::Already;
        };
        if entry.is_confirmed() || info.is_reply() {
            return Confirm::Already;
        }
        if entry.status.contains(Status::DYING) {
            return Confirm::Drop(Reason::ConfirmClash);
        }
        match self.clash(id, now) {
            None => {
                self.insert(id, now);
                Confirm::Confirmed
            }
            Some(winner) => self.resolve(skb, id, info, winner, now),
        }
    }

    /// Takes a new entry into the table, both directions. Its time starts now.
    pub(super) fn insert(&mut self, id: CtId, now: Jiffies) {
        let timestamps = self.settings.timestamps;
        if let Some(entry) = self.table.get_mut(id) {
            entry.timeout += now.0;
            entry.status.insert(Status::CONFIRMED);
            if timestamps {
                entry.extra_mut().started = Some(now.0);
            }
        }
        self.table.link(id, Direction::Original);
        self.table.link(id, Direction::Reply);
    }

    /// An entry that has one of a new entry's tuples already, looked for under the original tuple first.
    fn clash(&mut self, id: CtId, now: Jiffies) -> Option<CtId> {
        self.holder(id, Direction::Original, now)
            .or_else(|| self.holder(id, Direction::Reply, now))
    }

    fn holder(&mut self, id: CtId, direction: Direction, now: Jiffies) -> Option<CtId> {
        let entry = self.table.get(id)?;
        let (tuple, zone) = (*entry.tuple(direction), entry.zone);
        let (found, _) = self.table.find_at(&tuple, zone, direction, now)?;
        Some(found)
    }

    /// `nf_ct_resolve_clash`.
    fn resolve(
        &mut self,
        skb: &mut Skb<'_>,
        id: CtId,
        info: CtInfo,
        winner: CtId,
        now: Jiffies,
    ) -> Confirm {
        const DROP: Confirm = Confirm::Drop(Reason::ConfirmClash);
        let protocol = self.table.get(id).map(super::Entry::protocol);
        if !protocol.is_some_and(allows_clash) {
            return DROP;
        }
        if self.adopt(skb, id, info, winner) {
            return Confirm::Adopted;
        }
        if let Some(holder) = self.holder(id, Direction::Reply, now) {
            return if self.adopt(skb, id, info, holder) {
                Confirm::Adopted
            } else {
                DROP
            };
        }
        let hz = self.settings.hz;
        if let Some(entry) = self.table.get_mut(id) {
            entry.timeout = now.0 + hz;
            entry
                .status
                .insert(Status::FIXED_TIMEOUT | Status::NAT_CLASH | Status::CONFIRMED);
        }
        self.table.link(id, Direction::Reply);
        Confirm::Confirmed
    }

    /// The packet goes over to an entry that was faster, if the two are the same: both tuples under the same zones.
    fn adopt(&mut self, skb: &mut Skb<'_>, loser: CtId, info: CtInfo, winner: CtId) -> bool {
        let (Some(ours), Some(theirs)) = (self.table.get(loser), self.table.get(winner)) else {
            return false;
        };
        let same = ours.original() == theirs.original()
            && ours.reply() == theirs.reply()
            && ours.zone == theirs.zone;
        if !same {
            return false;
        }
        let bytes = ours.counters().map(|[original, _]| original.bytes);
        if let (Some(bytes), Some(entry)) = (bytes, self.table.get_mut(winner)) {
            entry.count(Direction::Original, bytes as usize);
        }
        skb.connection = Connection::Tracked { id: winner, info };
        self.release_entry(loser);
        true
    }
}
