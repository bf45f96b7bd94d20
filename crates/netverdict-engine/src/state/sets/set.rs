//! One set: its entries and how they are found (ip_set_hash_gen.h, ip_set_bitmap_gen.h).

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_net::{Family, InterfaceName, Jiffies};
use netverdict_ruleset::sets::{
    SetDefinition, SetElement, SetEntry, SetFamily, SetKind, SetNet, SetOptions, SetPort, SkbInfo,
};
use smallvec::SmallVec;

use super::key::{self, Ask, Query};

/// What an entry is found by; what its type leaves out is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Key {
    pub(super) first: u128,
    pub(super) first_len: u8,
    pub(super) second: u128,
    pub(super) second_len: u8,
    pub(super) protocol: u8,
    pub(super) port: u16,
    pub(super) other: u64,
}

/// What is kept of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) nomatch: bool,
    /// The tick after which it is gone.
    pub(super) expires: Option<i64>,
    pub(super) packets: u64,
    pub(super) bytes: u64,
    /// bitmap:ip,mac: the MAC address, 0 until the first packet fills it in.
    pub(super) mac: Option<u64>,
    pub(super) device: Option<Pattern>,
    /// What `--map-set` gives.
    pub(super) info: SkbInfo,
}

/// A device of hash:net,iface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) name: InterfaceName,
    pub(super) wildcard: bool,
    pub(super) physdev: bool,
}

/// An entry as it was, and where.
#[derive(Debug, Clone)]
pub(super) enum Touched {
    Entry(Key, usize, Box<Entry>),
    /// Everything under a key.
    Key(Key, Entries),
    Member(usize, Box<Entry>),
}

/// What a look-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// An entry, with what it gives.
    Hit(SkbInfo),
    /// An entry that says `nomatch`.
    Nomatch,
    Nothing,
}

/// What is under one key: one entry, or several that differ by device.
pub(super) type Entries = SmallVec<[Entry; 1]>;

type Lens = SmallVec<[u8; 8]>;

/// The prefix lengths of a dimension's networks.
#[derive(Debug, Clone, Default)]
pub(super) struct Lengths {
    /// Those that occur, longest first.
    pub(super) list: Lens,
    /// How many networks have each.
    counts: HashMap<u8, usize, FixedState>,
}

impl Lengths {
    /// Adds `by` networks of a length, or takes away where it is negative.
    fn count(&mut self, len: u8, by: isize) {
        let count = self.counts.entry(len).or_default();
        let before = *count;
        *count = count.saturating_add_signed(by);
        match (before, *count) {
            (0, 1..) => {
                let at = self.list.partition_point(|longer| *longer > len);
                self.list.insert(at, len);
            }
            (1.., 0) => self.list.retain(|other| *other != len),
            _ => {}
        }
    }
}

/// A set ready for look-ups.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) kind: SetKind,
    pub(super) options: SetOptions,
    pub(super) family: Option<Family>,
    /// Several entries under one key differ by device.
    pub(super) entries: HashMap<Key, Entries, FixedState>,
    /// How many entries there are, expired ones included.
    pub(super) count: usize,
    pub(super) first_lens: Lengths,
    pub(super) second_lens: Lengths,
    pub(super) hz: i64,
    /// Places of a list's members.
    pub(super) members: Vec<usize>,
    member_entries: Vec<Entry>,
}

impl Set {
    pub(super) fn new(
        definition: &SetDefinition,
        hz: i64,
        mut place: impl FnMut(&str) -> usize,
    ) -> Self {
        let mut set = Self {
            kind: definition.kind,
            options: definition.options.clone(),
            family: match definition.options.family {
                SetFamily::Only(family) => Some(family),
                SetFamily::Any => None,
            },
            entries: HashMap::with_capacity_and_hasher(
                definition.entries.len(),
                FixedState::default(),
            ),
            count: 0,
            first_lens: Lengths::default(),
            second_lens: Lengths::default(),
            hz,
            members: Vec::new(),
            member_entries: Vec::new(),
        };
        for entry in &definition.entries {
            let kept = set.kept(entry, hz);
            if let SetElement::Set(name) = &entry.element {
                set.members.push(place(name));
                set.member_entries.push(kept);
            } else {
                set.insert(entry, kept);
            }
        }
        set
    }

    /// Whether packets of this family can be in it.
    pub(super) fn takes(&self, family: Family) -> bool {
        self.family.is_none_or(|only| only == family)
    }

    fn kept(&self, entry: &SetEntry, hz: i64) -> Entry {
        let timeout = self
            .options
            .timeout
            .map(|default| entry.timeout().unwrap_or(default));
        let counters = entry.extras.as_ref().and_then(|extras| extras.counters);
        let counters = counters.unwrap_or_default();
        Entry {
            nomatch: entry.nomatch,
            expires: timeout
                .filter(|seconds| *seconds != 0)
                .map(|seconds| i64::from(seconds) * hz),
            packets: counters.packets,
            bytes: counters.bytes,
            mac: None,
            device: None,
            info: entry
                .extras
                .as_ref()
                .and_then(|extras| extras.skbinfo)
                .unwrap_or_default(),
        }
    }

    fn insert(&mut self, entry: &SetEntry, mut kept: Entry) {
        let mut key = Key::default();
        match entry.element {
            SetElement::Ip(ip) => key.first = key::cut(key::number(ip), &self.options),
            SetElement::Mac(mac) => key.other = key::mac_number(mac),
            SetElement::IpMac(ip, mac) => {
                key.first = key::cut(key::number(ip), &self.options);
                match mac {
                    _ if self.kind == SetKind::BitmapIpMac => {
                        kept.mac = Some(mac.map_or(0, key::mac_number));
                    }
                    Some(mac) => key.other = key::mac_number(mac),
                    None => {}
                }
            }
            SetElement::IpMark(ip, mark) => {
                (key.first, key.other) = (key::number(ip), u64::from(mark));
            }
            SetElement::Port(port) => key.port = port,
            SetElement::IpPort(ip, port) => {
                key.first = key::cut(key::number(ip), &self.options);
                key.set_port(port);
            }
            SetElement::IpPortIp(ip, port, second) => {
                (key.first, key.second) = (key::number(ip), key::number(second));
                key.set_port(port);
            }
            SetElement::IpPortNet(ip, port, net) => {
                key.first = key::number(ip);
                key.set_port(port);
                set_second(&mut key, net);
            }
            SetElement::Net(net) => set_first(&mut key, net),
            SetElement::NetNet(first, second) => {
                set_first(&mut key, first);
                set_second(&mut key, second);
            }
            SetElement::NetPort(net, port) => {
                set_first(&mut key, net);
                key.set_port(port);
            }
            SetElement::NetPortNet(first, port, second) => {
                set_first(&mut key, first);
                key.set_port(port);
                set_second(&mut key, second);
            }
            SetElement::NetIface {
                net,
                name,
                physdev,
                wildcard,
            } => {
                set_first(&mut key, net);
                kept.device = Some(Pattern {
                    name,
                    wildcard,
                    physdev,
                });
            }
            SetElement::Set(_) => return,
        }
        self.count_lens(key, 1);
        self.entries.entry(key).or_default().push(kept);
    }

    /// Looks for an entry: of networks all lengths that occur, longest first, the first dimension's outermost. The first
    /// entry that is alive and passes the counter tests decides.
    pub(super) fn find(
        &mut self,
        ask: &Ask,
        query: &Query<'_>,
        now: Jiffies,
        mut touch: impl FnMut(Touched),
    ) -> Found {
        let family = self.family.unwrap_or(Family::V4);
        let whole = [0];
        let or_whole = |lens: &'_ Lengths| -> Lens {
            if lens.list.is_empty() {
                SmallVec::from_slice(&whole)
            } else {
                lens.list.clone()
            }
        };
        let (firsts, seconds) = (or_whole(&self.first_lens), or_whole(&self.second_lens));
        let cut = |addr, lens: &[u8], len| {
            if lens.is_empty() {
                addr
            } else {
                key::prefix(addr, len, family)
            }
        };
        for &first_len in &firsts {
            for &second_len in &seconds {
                let key = Key {
                    first: cut(ask.first, &self.first_lens.list, first_len),
                    first_len,
                    second: cut(ask.second, &self.second_lens.list, second_len),
                    second_len,
                    protocol: ask.protocol,
                    port: ask.port,
                    other: if self.kind == SetKind::BitmapIpMac {
                        0
                    } else {
                        ask.other
                    },
                };
                let Some(entries) = self.entries.get_mut(&key) else {
                    continue;
                };
                let counts = self.options.counters;
                let mut others = false;
                for (index, entry) in entries.iter_mut().enumerate() {
                    if !entry.is_meant(ask) {
                        others = true;
                        continue;
                    }
                    others = false;
                    let old = *entry;
                    let found = entry.test(ask, query, counts, now);
                    if *entry != old {
                        touch(Touched::Entry(key, index, Box::new(old)));
                    }
                    if found != Found::Nothing {
                        return found;
                    }
                }
                // Other devices of this network hide shorter networks (IP_SET_HASH_WITH_MULTI).
                if others {
                    return Found::Nothing;
                }
            }
        }
        Found::Nothing
    }

    /// Counts entries of a key in, or out.
    fn count_lens(&mut self, key: Key, by: isize) {
        self.count = self.count.saturating_add_signed(by);
        if self.kind.has_first_net() {
            self.first_lens.count(key.first_len, by);
        }
        if self.kind.has_second_net() {
            self.second_lens.count(key.second_len, by);
        }
    }

    /// Puts other entries under a key.
    pub(super) fn replace(&mut self, key: Key, entries: Entries) {
        let before = self.entries.get(&key).map_or(0, SmallVec::len);
        self.count_lens(key, entries.len() as isize - before as isize);
        if entries.is_empty() {
            self.entries.remove(&key);
        } else {
            self.entries.insert(key, entries);
        }
    }

    pub(super) fn member_expired(&self, index: usize, now: Jiffies) -> bool {
        let entry = self.member_entries.get(index);
        entry.is_some_and(|entry| entry.is_expired(now))
    }

    /// A member has the packet: its entry in the list counts it and is compared; what that entry gives if it passes.
    pub(super) fn member_passes(
        &mut self,
        index: usize,
        query: &Query<'_>,
        mut touch: impl FnMut(Touched),
    ) -> Option<SkbInfo> {
        let counts = self.options.counters;
        let entry = self.member_entries.get_mut(index)?;
        let old = *entry;
        let passes = entry.count(query, counts);
        if *entry != old {
            touch(Touched::Member(index, Box::new(old)));
        }
        passes.then_some(old.info)
    }

    pub(super) fn restore(&mut self, touched: Touched) {
        let (slot, old) = match touched {
            Touched::Key(key, entries) => return self.replace(key, entries),
            Touched::Entry(key, index, old) => (
                self.entries
                    .get_mut(&key)
                    .and_then(|entries| entries.get_mut(index)),
                old,
            ),
            Touched::Member(index, old) => (self.member_entries.get_mut(index), old),
        };
        if let Some(slot) = slot {
            *slot = *old;
        }
    }
}

impl Key {
    fn set_port(&mut self, SetPort { protocol, port }: SetPort) {
        (self.protocol, self.port) = (protocol.0, port);
    }
}

impl Entry {
    pub(super) fn is_expired(&self, now: Jiffies) -> bool {
        self.expires.is_some_and(|expires| expires < now.0)
    }

    fn test(&mut self, ask: &Ask, query: &Query<'_>, counts: bool, now: Jiffies) -> Found {
        if self.is_expired(now) {
            return Found::Nothing;
        }
        match self.mac {
            Some(0) => self.mac = Some(ask.other),
            Some(mac) if mac != ask.other => return Found::Nothing,
            _ => {}
        }
        if !self.count(query, counts) {
            return Found::Nothing;
        }
        if self.nomatch {
            Found::Nomatch
        } else {
            Found::Hit(self.info)
        }
    }

    fn is_meant(&self, ask: &Ask) -> bool {
        let Some(pattern) = self.device else {
            return true;
        };
        let device = ask.device.as_ref().map_or("", InterfaceName::as_str);
        // Rules of iptables ask for devices, never for bridge ports.
        !pattern.physdev
            && if pattern.wildcard {
                device.starts_with(pattern.name.as_str())
            } else {
                device == pattern.name.as_str()
            }
    }

    /// Counts the packet, then compares (`ip_set_match_extensions`). A set without counters compares nothing.
    fn count(&mut self, query: &Query<'_>, counts: bool) -> bool {
        if !counts {
            return true;
        }
        if query.update_counters {
            self.packets = self.packets.wrapping_add(1);
            self.bytes = self.bytes.wrapping_add(query.len);
        }
        query.packets.is_none_or(|test| test.matches(self.packets))
            && query.bytes.is_none_or(|test| test.matches(self.bytes))
    }
}

fn set_first(key: &mut Key, net: SetNet) {
    (key.first, key.first_len) = (key::number(net.addr), net.len);
}

fn set_second(key: &mut Key, net: SetNet) {
    (key.second, key.second_len) = (key::number(net.addr), net.len);
}
