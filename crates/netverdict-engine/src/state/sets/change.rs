//! What `-j SET` does to one set (`mtype_add` and `mtype_del` of ip_set_hash_gen.h and ip_set_bitmap_gen.h).

use netverdict_net::{Family, Jiffies};
use netverdict_ruleset::sets::{SetKind, SkbInfo};

use super::key::{self, Ask};
use super::set::{Entries, Entry, Key, Pattern, Set, Touched};

/// Most entries of a hash whose `create` line names no number.
const MAX_ELEMENTS: usize = 65536;

/// How an entry is added.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Adding {
    /// `--exist`: an entry that is there is made anew.
    pub(crate) exist: bool,
    /// `--timeout`: seconds, 0 for ever; `None` is the set's default.
    pub(crate) timeout: Option<u32>,
    /// `skb->len`.
    pub(crate) len: u64,
}

/// What became of an addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    /// It is there already, or is not there, or the set is full.
    No,
    /// A full set with `forceadd` gave up an entry, and which one follows its hash.
    Forced,
}

impl Set {
    pub(super) fn add(
        &mut self,
        ask: &Ask,
        adding: Adding,
        now: Jiffies,
        touch: impl FnOnce(Touched),
    ) -> Changed {
        let key = self.key_of(ask);
        let fresh = self.fresh(ask, adding, now);
        let mut entries = self.under(key);
        let before = entries.clone();
        match entries.iter_mut().find(|entry| entry.is_same(&fresh)) {
            Some(entry) if adding.exist || entry.is_expired(now) => *entry = fresh,
            Some(_) => return Changed::No,
            None if self.is_full(now) => {
                return if self.options.force_add {
                    Changed::Forced
                } else {
                    Changed::No
                };
            }
            None => entries.push(fresh),
        }
        touch(Touched::Key(key, before));
        self.replace(key, entries);
        Changed::Yes
    }

    pub(super) fn delete(
        &mut self,
        ask: &Ask,
        now: Jiffies,
        touch: impl FnOnce(Touched),
    ) -> Changed {
        let key = self.key_of(ask);
        let mut entries = self.under(key);
        let before = entries.clone();
        let pattern = self.pattern(ask);
        let found = entries.iter().position(|entry| entry.device == pattern);
        match found.and_then(|at| Some((at, entries.get(at)?.is_expired(now)))) {
            Some((at, false)) => {
                entries.remove(at);
            }
            _ => return Changed::No,
        }
        touch(Touched::Key(key, before));
        self.replace(key, entries);
        Changed::Yes
    }

    fn under(&self, key: Key) -> Entries {
        self.entries.get(&key).cloned().unwrap_or_default()
    }

    /// The key that a packet is added under: networks get the longest length that the set has already (`INIT_CIDR`).
    fn key_of(&self, ask: &Ask) -> Key {
        let family = self.family.unwrap_or(Family::V4);
        let len = |lens: &super::set::Lengths| lens.list.first().copied().unwrap_or(family.bits());
        let mut key = Key {
            first: ask.first,
            second: ask.second,
            protocol: ask.protocol,
            port: ask.port,
            other: ask.other,
            ..Key::default()
        };
        if self.kind.has_first_net() {
            key.first_len = len(&self.first_lens);
            key.first = key::prefix(ask.first, key.first_len, family);
        }
        if self.kind.has_second_net() {
            key.second_len = len(&self.second_lens);
            key.second = key::prefix(ask.second, key.second_len, family);
        }
        if self.kind == SetKind::BitmapIpMac {
            key.other = 0;
        }
        key
    }

    fn pattern(&self, ask: &Ask) -> Option<Pattern> {
        let name = ask.device.filter(|_| self.kind == SetKind::HashNetIface)?;
        Some(Pattern {
            name,
            wildcard: false,
            physdev: false,
        })
    }

    fn fresh(&self, ask: &Ask, adding: Adding, now: Jiffies) -> Entry {
        let timeout = self
            .options
            .timeout
            .map(|default| adding.timeout.unwrap_or(default));
        Entry {
            nomatch: false,
            expires: timeout
                .filter(|seconds| *seconds != 0)
                .map(|seconds| now.0 + i64::from(seconds) * self.hz),
            packets: 1,
            bytes: adding.len,
            mac: (self.kind == SetKind::BitmapIpMac).then_some(ask.other),
            device: self.pattern(ask),
            info: SkbInfo::default(),
        }
    }

    /// Whether a hash takes no more; where entries expire, those that did make room first.
    fn is_full(&mut self, now: Jiffies) -> bool {
        let most = self
            .options
            .max_elements
            .map_or(MAX_ELEMENTS, |most| most as usize);
        if !self.kind.is_hash() || self.count < most {
            return false;
        }
        if self.options.timeout.is_none() {
            return true;
        }
        let entries = self.entries.values().flatten();
        entries.filter(|entry| !entry.is_expired(now)).count() >= most
    }
}

impl Entry {
    /// Whether two entries under one key are the same.
    fn is_same(&self, other: &Self) -> bool {
        self.device == other.device
    }
}
