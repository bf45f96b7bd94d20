//! Connections opened the short way, where nothing about them is to be decided.

use netverdict_net::{Jiffies, Protocol};

use super::track::{Handled, Turn};
use super::{Conntrack, Direction, Entry, Tuple, Zone};
use crate::CtId;
use crate::conntrack::Status;
use crate::glance::Glance;
use crate::remember::Opening;

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Opened {
    /// The connection is in the table.
    Entered(CtId),
    /// It is gone with its packet.
    Gone,
    /// Nothing: something is to be decided after all.
    Not,
}

impl Conntrack {
    /// Opens a connection for a packet that has none, which goes the way of one whose connection no rule, helper or
    /// expectation touched: what `track`, the null bindings of NAT and `confirm` would do, where they find the answer's
    /// tuple free.
    pub(crate) fn open(
        &mut self,
        glance: &Glance,
        options: &[u8],
        opening: Opening,
        now: Jiffies,
    ) -> Opened {
        let (tuple, zone) = (*glance.tuple(), Zone::default());
        let special = self.settings.automatic_helpers || self.expectations.len() != 0;
        let Some(reply) = tuple.invert().filter(|_| !special) else {
            return Opened::Not;
        };
        let accounting = self.settings.accounting;
        let mut entry = Entry::new(tuple, reply, zone, accounting, 0);
        let turn = Turn {
            len: glance.len as usize,
            direction: Direction::Original,
            now,
            settings: &self.settings,
        };
        let handled = match tuple.protocol {
            Protocol::TCP => super::tcp::take(&mut entry, &glance.segment(options), turn),
            _ => super::udp::take(&mut entry, turn),
        };
        // Who goes to make room may be who has the answer's tuple.
        if !matches!(handled, Handled::Accept(_)) || !self.make_room(now) {
            return Opened::Not;
        }
        if !opening.enters {
            self.table.pass();
            return Opened::Gone;
        }
        if self.is_taken(&reply, now) || !self.may_have(&tuple, opening, now) {
            return Opened::Not;
        }
        entry.status.insert(opening.status());
        if let Some(source) = opening.source {
            let Some(answer) = source.answer(&tuple) else {
                return Opened::Not;
            };
            entry.set_reply(answer);
            if source.masquerade.is_some() {
                entry.extra_mut().masquerade = source.masquerade;
            }
            if let Some(split) = &self.split {
                self.is_coupled |= split.parts(&tuple, &answer);
            }
        }
        let id = self.table.allocate(|serial| entry.numbered(serial));
        if opening.status().contains(Status::SRC_NAT_DONE) {
            self.table.add_source(id);
        }
        self.insert(id, now);
        Opened::Entered(id)
    }

    /// Whether packets of another connection have a tuple.
    fn is_taken(&mut self, reply: &Tuple, now: Jiffies) -> bool {
        let (zone, at) = (Zone::default(), Direction::Reply);
        self.table.find_at(reply, zone, at, now).is_some()
    }

    /// Whether the source that a rule gives a connection can be had with its own port: its answers are nobody else's, and its
    /// sender has not been given another port there before, which it would keep.
    fn may_have(&mut self, tuple: &Tuple, opening: Opening, now: Jiffies) -> bool {
        let Some(source) = opening.source else {
            return true;
        };
        let Some(answer) = source.answer(tuple) else {
            return false;
        };
        if tuple.source == source.address || self.is_taken(&answer, now) {
            return false;
        }
        let senders = self.table.of_source(tuple, Zone::default());
        senders.into_iter().all(|id| {
            self.table.get(id).is_none_or(|entry| {
                let reply = entry.reply();
                reply.destination != source.address || reply.destination_port == tuple.source_port
            })
        })
    }
}
