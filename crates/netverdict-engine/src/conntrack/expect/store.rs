//! All expectations of a network namespace, and PPTP's call ids, which come and go with them.

use super::Expectation;
use crate::CtId;
use crate::conntrack::{Direction, Tuple};

/// Which source key the GRE packets of a call have (`struct nf_ct_gre_keymap`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::conntrack) struct GreKey {
    pub(in crate::conntrack) master: CtId,
    pub(in crate::conntrack) direction: Direction,
    pub(in crate::conntrack) tuple: Tuple,
}

#[derive(Debug, Clone, Default)]
struct Content {
    /// Oldest first.
    waiting: Vec<Expectation>,
    keys: Vec<GreKey>,
    next: u64,
}

/// The store. What it held at a checkpoint is remembered once anything changes.
#[derive(Debug, Default)]
pub(in crate::conntrack) struct Expectations {
    now: Content,
    saved: Option<Content>,
    recording: bool,
}

impl Expectations {
    fn write(&mut self) -> &mut Content {
        if self.recording && self.saved.is_none() {
            self.saved = Some(self.now.clone());
        }
        &mut self.now
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Expectation> {
        self.now.waiting.iter().rev()
    }

    /// How many there are.
    pub(in crate::conntrack) const fn len(&self) -> usize {
        self.now.waiting.len()
    }

    pub(super) fn add(&mut self, mut new: Expectation) -> u64 {
        let content = self.write();
        content.next += 1;
        new.number = content.next;
        content.waiting.push(new);
        content.next
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.forget_where(|waiting| waiting.number == number);
    }

    pub(super) fn forget_where(&mut self, gone: impl Fn(&Expectation) -> bool) {
        if self.now.waiting.iter().any(&gone) {
            self.write().waiting.retain(|waiting| !gone(waiting));
        }
    }

    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut Expectation)) {
        let content = self.write();
        if let Some(found) = content.waiting.iter_mut().find(|w| w.number == number) {
            change(found);
        }
    }

    /// The source key of the call that an enhanced GRE packet belongs to; 0 of none (`gre_keymap_lookup`).
    pub(in crate::conntrack) fn key_of(&self, tuple: &Tuple) -> u16 {
        let unkeyed = |tuple: &Tuple| Tuple {
            source_port: 0,
            ..*tuple
        };
        let sought = unkeyed(tuple);
        let found = self.now.keys.iter().find(|k| unkeyed(&k.tuple) == sought);
        found.map_or(0, |found| found.tuple.source_port)
    }

    /// Adds a call's key; false if the connection has another one already (`nf_ct_gre_keymap_add`).
    pub(in crate::conntrack) fn add_key(&mut self, new: GreKey) -> bool {
        let mut own = self.now.keys.iter();
        let own = own.find(|key| key.master == new.master && key.direction == new.direction);
        if let Some(own) = own {
            return (own.tuple.source, own.tuple.destination)
                == (new.tuple.source, new.tuple.destination)
                && own.tuple.destination_port == new.tuple.destination_port;
        }
        self.write().keys.push(new);
        true
    }

    /// Forgets a connection's calls.
    pub(in crate::conntrack) fn forget_keys(&mut self, master: CtId) {
        if self.now.keys.iter().any(|key| key.master == master) {
            self.write().keys.retain(|key| key.master != master);
        }
    }

    pub(super) fn record(&mut self) {
        self.saved = None;
        self.recording = true;
    }

    pub(super) fn restore(&mut self) {
        self.recording = false;
        if let Some(saved) = self.saved.take() {
            self.now = saved;
        }
    }

    pub(super) fn settle(&mut self) {
        self.recording = false;
        self.saved = None;
    }
}
