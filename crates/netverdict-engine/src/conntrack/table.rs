//! The table: a slab of entries, found by tuple in both directions.
//!
//! Entries that are not confirmed yet, or no longer in the table, live in the slab too, for as long as a packet refers
//! to them. Changes can be taken back ([`Rewind`]); what that costs is paid only between a checkpoint and its end.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, Hasher};
use std::num::NonZeroU32;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use netverdict_net::{Jiffies, Protocol};

use super::index::Index;
use super::slab::Slab;
use super::{Direction, Entry, Status, Tuple, Zone};
use crate::CtId;
use crate::state::Rewind;

/// One direction of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link(NonZeroU32);

impl Link {
    pub(crate) const fn new(id: CtId, direction: Direction) -> Self {
        // There are less than 2^30 entries.
        let number = id.0 << 1 | direction as u32;
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    pub(crate) const fn id(self) -> CtId {
        CtId((self.0.get() - 1) >> 1)
    }

    pub(crate) const fn direction(self) -> Direction {
        if self.0.get() & 1 == 1 {
            Direction::Original
        } else {
            Direction::Reply
        }
    }
}

/// Four lines of memory, of which the first are fetched together.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Slot {
    /// Which directions are in the hash table.
    linked: [bool; 2],
    /// Whether it is in the by-source index.
    by_source: bool,
    entry: Option<Entry>,
    /// The checkpoint that has this slot's old value already.
    saved: u64,
}

/// The bytes of a slot that each packet of its connection touches: three lines.
const TOUCHED: usize = 192;

/// What a checkpoint remembers, undone last to first.
#[derive(Debug)]
enum Undo {
    /// The flag says that the slot is new, too.
    Allocated(CtId, bool),
    Freed(CtId, Box<Entry>),
    Changed(CtId, Box<Entry>),
    Linked(CtId, Direction),
    Unlinked(CtId, Direction),
    Sourced(CtId),
    Unsourced(CtId),
    /// The oldest entry was looked at for the last time.
    Passed(CtId, u64),
}

/// The connection table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    slots: Slab<Slot>,
    free: Vec<u32>,
    links: Index,
    /// Of this run alone: no capture is made to collide.
    seed: RandomState,
    /// Connections by protocol, original source and source port: NAT keeps a sender's mapping.
    sources: HashTable<CtId>,
    /// Entries in order of their coming into the table, with their serial numbers. Some are gone; those that are assured
    /// leave the queue as soon as it is their turn.
    oldest: VecDeque<(CtId, u64)>,
    /// How many entries are in use, unconfirmed ones included.
    count: u32,
    /// The most since somebody asked.
    peak: u32,
    serial: u64,
    /// Whether an entry ever had zones that differ by direction: then two entries may be filed under one tuple.
    split: bool,
    recording: bool,
    /// Counts checkpoints.
    epoch: u64,
    undo: Vec<Undo>,
}

#[inline]
fn hash_tuple(seed: &RandomState, tuple: &Tuple, zone: u16) -> u64 {
    let mut hasher = seed.build_hasher();
    tuple.hash(&mut hasher);
    if zone != 0 {
        hasher.write_u16(zone);
    }
    hasher.finish()
}

fn hash_source(seed: &RandomState, tuple: &Tuple) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write_u128(tuple.source);
    hasher.write_u32(u32::from(tuple.source_port) << 8 | u32::from(tuple.protocol.0));
    hasher.finish()
}

fn hash_link(seed: &RandomState, slots: &Slab<Slot>, link: Link) -> u64 {
    entry_of(slots, link.id()).map_or(0, |entry| {
        hash_tuple(
            seed,
            entry.tuple(link.direction()),
            entry.zone.at(link.direction()),
        )
    })
}

fn hash_id(seed: &RandomState, slots: &Slab<Slot>, id: CtId) -> u64 {
    entry_of(slots, id).map_or(0, |entry| hash_source(seed, entry.original()))
}

fn entry_of(slots: &Slab<Slot>, id: CtId) -> Option<&Entry> {
    slots.get(id.0 as usize)?.entry.as_ref()
}

impl Table {
    /// The entry of an id.
    pub(crate) fn get(&self, id: CtId) -> Option<&Entry> {
        entry_of(&self.slots, id)
    }

    /// The entry of an id, to change. Its tuples may change only while it is not in the table.
    pub(crate) fn get_mut(&mut self, id: CtId) -> Option<&mut Entry> {
        let slot = self.slots.get_mut(id.0 as usize)?;
        if self.recording && slot.saved != self.epoch {
            slot.saved = self.epoch;
            let entry = slot.entry.clone()?;
            self.undo.push(Undo::Changed(id, Box::new(entry)));
        }
        slot.entry.as_mut()
    }

    /// The same, at its quickest while nothing is recorded.
    #[inline]
    pub(crate) fn get_live(&mut self, id: CtId) -> Option<&mut Entry> {
        if self.recording {
            return self.get_mut(id);
        }
        self.slots.get_mut(id.0 as usize)?.entry.as_mut()
    }

    /// Whether changes are being recorded.
    pub(crate) const fn is_recording(&self) -> bool {
        self.recording
    }

    /// How many entries there are, unconfirmed and expired ones included.
    pub(crate) const fn count(&self) -> u32 {
        self.count
    }

    /// The most that there were since this was asked last.
    pub(crate) const fn take_peak(&mut self) -> u32 {
        std::mem::replace(&mut self.peak, self.count)
    }

    /// A new entry, not yet in the table. `make` gets its serial number.
    pub(crate) fn allocate(&mut self, make: impl FnOnce(u64) -> Entry) -> CtId {
        self.serial += 1;
        let entry = Some(make(self.serial));
        let saved = self.epoch;
        let reused = self.free.pop();
        let id = if let Some(index) = reused {
            if let Some(slot) = self.slots.get_mut(index as usize) {
                slot.entry = entry;
                slot.saved = saved;
            }
            CtId(index)
        } else {
            self.slots.push(Slot {
                entry,
                linked: [false; 2],
                by_source: false,
                saved,
            });
            CtId(self.slots.len() as u32 - 1)
        };
        self.count += 1;
        self.peak = self.peak.max(self.count);
        if self.recording {
            self.undo.push(Undo::Allocated(id, reused.is_none()));
        }
        id
    }

    /// As if an entry had been made and freed.
    pub(crate) fn pass(&mut self) {
        self.serial += 1;
        self.peak = self.peak.max(self.count + 1);
    }

    /// Frees an entry, taking it out of the table first if need be.
    pub(crate) fn free(&mut self, id: CtId) {
        self.unlink(id);
        self.remove_source(id);
        let Some(slot) = self.slots.get_mut(id.0 as usize) else {
            return;
        };
        let Some(entry) = slot.entry.take() else {
            return;
        };
        self.free.push(id.0);
        self.count -= 1;
        if self.recording {
            self.undo.push(Undo::Freed(id, Box::new(entry)));
        }
    }

    /// Puts one direction of an entry into the table.
    pub(crate) fn link(&mut self, id: CtId, direction: Direction) {
        if !self.is_linked(id) {
            self.queue(id);
        }
        if self.set_linked(id, direction, true) && self.recording {
            self.undo.push(Undo::Linked(id, direction));
        }
    }

    /// Takes an entry out of the table.
    pub(crate) fn unlink(&mut self, id: CtId) {
        for direction in [Direction::Original, Direction::Reply] {
            if self.set_linked(id, direction, false) && self.recording {
                self.undo.push(Undo::Unlinked(id, direction));
            }
        }
    }

    /// The oldest entry of the table that is not assured.
    pub(crate) fn oldest_unassured(&mut self) -> Option<CtId> {
        while let Some(&(id, serial)) = self.oldest.front() {
            let entry = self.get(id).filter(|entry| entry.serial() == serial);
            let may_go = entry.is_some_and(|entry| !entry.status.contains(Status::ASSURED));
            if may_go && self.is_linked(id) {
                return Some(id);
            }
            self.oldest.pop_front();
            if self.recording {
                self.undo.push(Undo::Passed(id, serial));
            }
        }
        None
    }

    /// How long the queue is, those included that are gone.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        self.oldest.len()
    }

    /// Puts a new entry at the end of the queue, which is swept when most of it is gone.
    fn queue(&mut self, id: CtId) {
        const FEW: usize = 1024;
        let Some(serial) = self.get(id).map(Entry::serial) else {
            return;
        };
        if !self.recording && self.oldest.len() > FEW + 2 * self.count as usize {
            let slots = &self.slots;
            self.oldest.retain(|(id, serial)| {
                entry_of(slots, *id).is_some_and(|entry| entry.serial() == *serial)
            });
        }
        self.oldest.push_back((id, serial));
    }

    /// Whether a direction of an entry is in the table.
    pub(crate) fn is_linked(&self, id: CtId) -> bool {
        self.slots
            .get(id.0 as usize)
            .is_some_and(|slot| slot.linked.contains(&true))
    }

    /// True if that changed something.
    fn set_linked(&mut self, id: CtId, direction: Direction, linked: bool) -> bool {
        let link = Link::new(id, direction);
        let hash = hash_link(&self.seed, &self.slots, link);
        let Some(slot) = self.slots.get_mut(id.0 as usize) else {
            return false;
        };
        if slot.linked[direction.index()] == linked {
            return false;
        }
        slot.linked[direction.index()] = linked;
        if linked {
            let zones = entry_of(&self.slots, id).map(|entry| entry.zone);
            self.split |=
                zones.is_some_and(|z| z.at(Direction::Original) != z.at(Direction::Reply));
            self.links.insert(hash, link.0);
        } else {
            self.links.remove(hash, link.0);
        }
        true
    }

    /// Makes an entry's mapping known to later connections of the same sender.
    pub(crate) fn add_source(&mut self, id: CtId) {
        if self.set_source(id, true) && self.recording {
            self.undo.push(Undo::Sourced(id));
        }
    }

    fn remove_source(&mut self, id: CtId) {
        if self.set_source(id, false) && self.recording {
            self.undo.push(Undo::Unsourced(id));
        }
    }

    fn set_source(&mut self, id: CtId, by_source: bool) -> bool {
        let hash = hash_id(&self.seed, &self.slots, id);
        let Some(slot) = self.slots.get_mut(id.0 as usize) else {
            return false;
        };
        if slot.by_source == by_source {
            return false;
        }
        slot.by_source = by_source;
        if by_source {
            let (seed, slots) = (&self.seed, &self.slots);
            self.sources
                .insert_unique(hash, id, |id| hash_id(seed, slots, *id));
        } else if let Ok(found) = self.sources.find_entry(hash, |other| *other == id) {
            found.remove();
        }
        true
    }

    /// What a packet of this tuple is looked up by in the zone that all are in if nothing says otherwise.
    #[inline]
    pub(crate) fn hash(&self, tuple: &Tuple) -> u64 {
        hash_tuple(&self.seed, tuple, 0)
    }

    /// Has the place fetched where a packet's entry is looked up.
    #[inline]
    pub(crate) fn fetch_place(&self, hash: u64) {
        self.links.fetch(hash);
    }

    /// Has the entry fetched that a packet probably belongs to.
    #[inline]
    pub(crate) fn fetch_entry(&self, hash: u64) -> Option<Link> {
        let link = Link(self.links.likely(hash)?);
        crate::ahead::fetch(self.slots.get(link.id().0 as usize)?, TOUCHED);
        Some(link)
    }

    /// The entry that a link leads to, if it is of this tuple, and in the zone that all are in if nothing says otherwise.
    #[expect(clippy::inline_always, reason = "on the way of every packet")]
    #[inline(always)]
    fn linked(&self, link: Link, tuple: &Tuple) -> Option<(CtId, Direction, &Entry)> {
        let (id, direction) = (link.id(), link.direction());
        let slot = self.slots.get(id.0 as usize)?;
        let entry = slot.entry.as_ref()?;
        let fits = slot.linked[direction.index()]
            && entry.tuple(direction) == tuple
            && entry.zone.at(direction) == 0;
        fits.then_some((id, direction, entry))
    }

    /// The entry of a packet of this tuple and hash in the zone that all are in if nothing says otherwise. One whose time
    /// is over goes. `probably` it is where that tuple's hash led a short time ago.
    #[inline]
    pub(crate) fn find_hashed(
        &mut self,
        tuple: &Tuple,
        (hash, probably): (u64, Option<Link>),
        now: Jiffies,
    ) -> Option<(CtId, Direction)> {
        if self.split {
            return self.find_at(tuple, Zone::default(), Direction::Original, now);
        }
        let probably = probably.and_then(|link| self.linked(link, tuple));
        let (id, direction, entry) = probably.or_else(|| {
            let mut links = self.links.under(hash).map(Link);
            links.find_map(|link| self.linked(link, tuple))
        })?;
        if entry.is_expired(now) {
            self.free(id);
            return self.find_at(tuple, Zone::default(), Direction::Original, now);
        }
        if direction == Direction::Reply {
            return Some((id, direction));
        }
        // As in `find_any`.
        let is_reply = entry.reply() == tuple && entry.zone.at(Direction::Reply) == 0;
        let direction = if is_reply {
            Direction::Reply
        } else {
            direction
        };
        Some((id, direction))
    }

    /// The entry that a packet of this tuple belongs to, and whether its time is over.
    #[inline]
    fn find_any(
        &self,
        tuple: &Tuple,
        hash: u64,
        (zone, at): (Zone, Direction),
        now: Jiffies,
    ) -> Option<(CtId, Direction, bool)> {
        let fits = |link: Link| {
            let entry = self.get(link.id())?;
            let direction = link.direction();
            let number = entry.zone.at(direction);
            let fits = entry.tuple(direction) == tuple
                && number == zone.at(direction)
                && number == zone.at(at);
            fits.then_some((link, entry))
        };
        let mut all = self.links.under(hash).map(Link).filter_map(fits);
        let (link, entry) = if self.split {
            // The kernel files at the head: the newest is found first.
            all.max_by_key(|(_, entry)| entry.serial())?
        } else {
            all.next()?
        };
        let is_over = entry.is_expired(now);
        if link.direction() == Direction::Reply {
            return Some((link.id(), Direction::Reply, is_over));
        }
        // A tuple that is its own answer is filed twice; the answer was filed last and is found first.
        let is_reply = entry.reply() == tuple && entry.zone.at(Direction::Reply) == zone.at(at);
        let direction = if is_reply {
            Direction::Reply
        } else {
            Direction::Original
        };
        Some((link.id(), direction, is_over))
    }

    /// The entry that a packet of this tuple belongs to, and the direction it flows in. Entries whose time is over go.
    pub(crate) fn find(
        &mut self,
        tuple: &Tuple,
        zone: Zone,
        now: Jiffies,
    ) -> Option<(CtId, Direction)> {
        self.find_at(tuple, zone, Direction::Original, now)
            .or_else(|| {
                let split = zone.at(Direction::Original) != zone.at(Direction::Reply);
                split.then(|| self.find_at(tuple, zone, Direction::Reply, now))?
            })
    }

    /// Like [`Self::find`], among entries filed under the zone number of one direction only.
    pub(crate) fn find_at(
        &mut self,
        tuple: &Tuple,
        zone: Zone,
        at: Direction,
        now: Jiffies,
    ) -> Option<(CtId, Direction)> {
        let hash = hash_tuple(&self.seed, tuple, zone.at(at));
        loop {
            let (id, direction, is_over) = self.find_any(tuple, hash, (zone, at), now)?;
            if !is_over {
                return Some((id, direction));
            }
            self.free(id);
        }
    }

    /// The connections of one sender whose source translation was decided, newest first.
    pub(crate) fn of_source(&self, tuple: &Tuple, zone: Zone) -> Vec<CtId> {
        let mut ids: Vec<CtId> = self
            .sources
            .iter_hash(hash_source(&self.seed, tuple))
            .copied()
            .filter(|id| {
                self.get(*id).is_some_and(|entry| {
                    let original = entry.original();
                    original.protocol == tuple.protocol
                        && original.source == tuple.source
                        && original.source_port == tuple.source_port
                        && original.family == tuple.family
                        && entry.zone.at(Direction::Original) == zone.at(Direction::Original)
                })
            })
            .collect();
        ids.sort_by_key(|id| std::cmp::Reverse(self.get(*id).map(Entry::serial)));
        ids
    }

    /// All entries in the table, by serial number.
    pub(crate) fn confirmed(&self) -> Vec<(CtId, &Entry)> {
        let mut all: Vec<(CtId, &Entry)> = (0u32..)
            .map(CtId)
            .zip(self.slots.iter())
            .filter(|(_, slot)| slot.linked.contains(&true))
            .filter_map(|(id, slot)| Some((id, slot.entry.as_ref()?)))
            .collect();
        all.sort_by_key(|(_, entry)| entry.serial());
        all
    }

    /// Frees all entries of the table that `gone` picks; how many that were.
    pub(crate) fn sweep(&mut self, gone: impl Fn(&Entry) -> bool) -> u32 {
        let before = self.count;
        for index in 0..self.slots.len() {
            let Some(slot) = self.slots.get(index) else {
                break;
            };
            let linked = slot.linked.contains(&true);
            if linked && slot.entry.as_ref().is_some_and(&gone) {
                self.free(CtId(index as u32));
            }
        }
        before - self.count
    }

    /// Ends an entry's life in the table. The packet that refers to it keeps it until [`Self::release`].
    pub(crate) fn kill(&mut self, id: CtId) {
        self.unlink(id);
        if let Some(entry) = self.get_mut(id) {
            entry.status.insert(Status::DYING);
        }
    }

    /// A packet no longer refers to this entry: frees it if the table does not hold it.
    pub(crate) fn release(&mut self, id: CtId) {
        if !self.is_linked(id) {
            self.free(id);
        }
    }

    fn take_back(&mut self, undo: Undo) {
        match undo {
            Undo::Allocated(id, fresh) => {
                if fresh {
                    self.slots.pop();
                } else if let Some(slot) = self.slots.get_mut(id.0 as usize) {
                    slot.entry = None;
                    self.free.push(id.0);
                }
                self.serial -= 1;
                self.count -= 1;
            }
            Undo::Freed(id, entry) => {
                self.free.pop();
                self.count += 1;
                self.put(id, *entry);
            }
            Undo::Changed(id, entry) => self.put(id, *entry),
            Undo::Linked(id, direction) => {
                self.set_linked(id, direction, false);
            }
            Undo::Unlinked(id, direction) => {
                self.set_linked(id, direction, true);
            }
            Undo::Passed(id, serial) => self.oldest.push_front((id, serial)),
            Undo::Sourced(id) => {
                self.set_source(id, false);
            }
            Undo::Unsourced(id) => {
                self.set_source(id, true);
            }
        }
    }

    fn put(&mut self, id: CtId, entry: Entry) {
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            slot.entry = Some(entry);
        }
    }
}

impl Rewind for Table {
    fn checkpoint(&mut self) {
        self.undo.clear();
        self.epoch += 1;
        self.recording = true;
    }

    fn rollback(&mut self) {
        self.recording = false;
        while let Some(undo) = self.undo.pop() {
            self.take_back(undo);
        }
    }

    fn commit(&mut self) {
        self.recording = false;
        self.undo.clear();
    }
}

/// Whether tracking can resolve a clash of two new connections of this protocol (`allow_clash`).
pub(crate) const fn allows_clash(protocol: Protocol) -> bool {
    !matches!(
        protocol,
        Protocol::TCP | Protocol::ICMP | Protocol::ICMPV6 | Protocol::SCTP
    )
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::conntrack::tcp::Tcp;

    #[test]
    fn what_packets_touch_is_in_the_lines_that_are_fetched() {
        let memory = offset_of!(Slot, entry) + offset_of!(Entry, memory);
        assert!(memory + size_of::<Tcp>() <= TOUCHED, "{memory}");
        assert_eq!(size_of::<Slot>(), 256);
    }

    #[test]
    fn what_a_line_leads_to_is_told_apart_by_direction() {
        for direction in [Direction::Original, Direction::Reply] {
            for id in [0, 1, 262_144, (1 << 30) - 1].map(CtId) {
                let link = Link::new(id, direction);
                assert_eq!((link.id(), link.direction()), (id, direction));
            }
        }
    }

    /// What ARCHITECTURE.md says of memory: a slot, two links, a source and a place in the queue, with room to grow.
    #[test]
    fn a_connection_takes_less_than_half_a_kilobyte() {
        let links = 2 * 2 * size_of::<Link>();
        let source = size_of::<CtId>() + 1;
        let queue = 2 * size_of::<(CtId, u64)>();
        let room = links * 4 + 2 * source + queue;
        assert!(
            size_of::<Slot>() + room < 512,
            "{}",
            size_of::<Slot>() + room
        );
    }
}
