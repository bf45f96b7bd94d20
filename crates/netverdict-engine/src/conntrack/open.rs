//! Connections opened the short way, where nothing about them is to be decided.

use netverdict_net::{Jiffies, Protocol};

use super::track::{Handled, Turn};
use super::{Conntrack, Direction, Entry, Zone};
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
        let taken = self.table.find_at(&reply, zone, Direction::Reply, now);
        if taken.is_some() {
            return Opened::Not;
        }
        entry.status.insert(opening.bound);
        let id = self.table.allocate(|serial| entry.numbered(serial));
        if opening.bound.contains(Status::SRC_NAT_DONE) {
            self.table.add_source(id);
        }
        self.insert(id, now);
        Opened::Entered(id)
    }
}
