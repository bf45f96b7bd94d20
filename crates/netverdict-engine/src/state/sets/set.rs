//! One set: its entries and how they are found (ip_set_hash_gen.h, ip_set_bitmap_gen.h).

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_net::{Family, InterfaceName, Jiffies};
use netverdict_ruleset::sets::{
    SetDefinition, SetElement, SetEntry, SetFamily, SetKind, SetNet, SetOptions, SetPort,
};

use super::key::{self, Ask, Query};

/// What an entry is found by; what its type leaves out is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Key {
    first: u128,
    first_len: u8,
    second: u128,
    second_len: u8,
    protocol: u8,
    port: u16,
    other: u64,
}

/// What is kept of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    nomatch: bool,
    /// The tick at which it is gone.
    expires: Option<i64>,
    packets: u64,
    bytes: u64,
    /// bitmap:ip,mac: the MAC address, 0 until the first packet fills it in.
    mac: Option<u64>,
    device: Option<Pattern>,
}

/// A device of hash:net,iface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pattern {
    name: InterfaceName,
    wildcard: bool,
    physdev: bool,
}

/// An entry as it was, and where.
#[derive(Debug, Clone)]
pub(super) enum Touched {
    Entry(Key, usize, Box<Entry>),
    Member(usize, Box<Entry>),
}

/// What a look-up found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Hit,
    /// An entry that says `nomatch`.
    Nomatch,
    Nothing,
}

/// A set ready for look-ups.
#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) kind: SetKind,
    pub(super) options: SetOptions,
    family: Option<Family>,
    /// Several entries under one key differ by device.
    entries: HashMap<Key, Vec<Entry>, FixedState>,
    /// Prefix lengths that occur, longest first.
    first_lens: Vec<u8>,
    second_lens: Vec<u8>,
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
            entries: HashMap::default(),
            first_lens: Vec::new(),
            second_lens: Vec::new(),
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
        for lens in [&mut set.first_lens, &mut set.second_lens] {
            lens.sort_unstable_by(|a, b| b.cmp(a));
            lens.dedup();
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
                self.set_second(&mut key, net);
            }
            SetElement::Net(net) => self.set_first(&mut key, net),
            SetElement::NetNet(first, second) => {
                self.set_first(&mut key, first);
                self.set_second(&mut key, second);
            }
            SetElement::NetPort(net, port) => {
                self.set_first(&mut key, net);
                key.set_port(port);
            }
            SetElement::NetPortNet(first, port, second) => {
                self.set_first(&mut key, first);
                key.set_port(port);
                self.set_second(&mut key, second);
            }
            SetElement::NetIface {
                net,
                name,
                physdev,
                wildcard,
            } => {
                self.set_first(&mut key, net);
                kept.device = Some(Pattern {
                    name,
                    wildcard,
                    physdev,
                });
            }
            SetElement::Set(_) => return,
        }
        self.entries.entry(key).or_default().push(kept);
    }

    fn set_first(&mut self, key: &mut Key, net: SetNet) {
        (key.first, key.first_len) = (key::number(net.addr), net.len);
        self.first_lens.push(net.len);
    }

    fn set_second(&mut self, key: &mut Key, net: SetNet) {
        (key.second, key.second_len) = (key::number(net.addr), net.len);
        self.second_lens.push(net.len);
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
        let firsts = if self.first_lens.is_empty() {
            &whole[..]
        } else {
            &self.first_lens
        };
        let seconds = if self.second_lens.is_empty() {
            &whole[..]
        } else {
            &self.second_lens
        };
        let cut = |addr, lens: &[u8], len| {
            if lens.is_empty() {
                addr
            } else {
                key::prefix(addr, len, family)
            }
        };
        for &first_len in firsts {
            for &second_len in seconds {
                let key = Key {
                    first: cut(ask.first, &self.first_lens, first_len),
                    first_len,
                    second: cut(ask.second, &self.second_lens, second_len),
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

    pub(super) fn member_expired(&self, index: usize, now: Jiffies) -> bool {
        let entry = self.member_entries.get(index);
        entry.is_some_and(|entry| entry.is_expired(now))
    }

    /// A member has the packet: its entry in the list counts it and is compared.
    pub(super) fn member_passes(
        &mut self,
        index: usize,
        query: &Query<'_>,
        mut touch: impl FnMut(Touched),
    ) -> bool {
        let counts = self.options.counters;
        let Some(entry) = self.member_entries.get_mut(index) else {
            return false;
        };
        let old = *entry;
        let passes = entry.count(query, counts);
        if *entry != old {
            touch(Touched::Member(index, Box::new(old)));
        }
        passes
    }

    pub(super) fn restore(&mut self, touched: Touched) {
        let (slot, old) = match touched {
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
    fn is_expired(&self, now: Jiffies) -> bool {
        self.expires.is_some_and(|expires| expires <= now.0)
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
            Found::Hit
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
