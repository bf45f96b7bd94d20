//! Surveys packets. Most are of few addresses on few interfaces, which are found by hash; what comes of it is ordered.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use netverdict_capture::Direction;
use netverdict_net::{InterfaceName, MacAddr};

use super::{InterfaceSurvey, KEPT, MacFacts, Seen, Survey, SurveyPacket};

/// Surveys packets in their order. Parts of them can be surveyed side by side: each [beside](Self::beside) what is known of
/// all before, and then [merged](Self::merge) in their order. That gives the same as one after the other.
#[derive(Debug, Default)]
pub struct Surveyor {
    /// The one that the last packet was on is the first.
    interfaces: Vec<(Option<InterfaceName>, OnInterface)>,
    /// Whether what it sees is for another, which decides what is kept.
    is_beside: bool,
}

/// What was seen on one interface. The parts of the survey that are kept beside it are empty in it.
#[derive(Debug)]
struct OnInterface {
    survey: InterfaceSurvey,
    addresses: Table<IpAddr, Seen>,
    groups: Table<IpAddr, u64>,
    macs: Table<MacAddr, OfMac>,
}

#[derive(Debug)]
struct OfMac {
    facts: MacFacts,
    sources: Table<IpAddr, Seen>,
}

/// What is counted of something in several parts.
trait Part {
    /// Nothing yet; `is_beside` if it is of a part.
    fn new(is_beside: bool) -> Self;

    /// Nothing yet, of a part that comes behind what is known.
    fn beside(&self) -> Self;

    /// Adds what a later part saw.
    fn merge(&mut self, later: Self);
}

/// The first so many keys, in the order in which they came.
#[derive(Debug)]
struct Table<K, V> {
    places: HashMap<K, u32, RandomState>,
    kept: Vec<(K, V)>,
    /// No more keys are kept than these.
    most: usize,
}

impl<K: Copy + Ord + Hash, V: Part> Table<K, V> {
    /// The key's entry; a full table takes no new keys.
    fn slot(&mut self, key: K) -> Option<&mut V> {
        let place = match self.places.get(&key) {
            Some(place) => *place as usize,
            None if self.kept.len() >= self.most => return None,
            None => {
                self.places.insert(key, self.kept.len() as u32);
                self.kept.push((key, V::new(self.most > KEPT)));
                self.kept.len() - 1
            }
        };
        self.kept.get_mut(place).map(|(_, value)| value)
    }

    fn ordered<W>(self, finish: impl Fn(V) -> W) -> BTreeMap<K, W> {
        let kept = self.kept.into_iter();
        kept.map(|(key, value)| (key, finish(value))).collect()
    }
}

impl<K: Copy + Ord + Hash, V: Part> Part for Table<K, V> {
    fn new(is_beside: bool) -> Self {
        Self {
            places: HashMap::default(),
            kept: Vec::new(),
            // Which keys of a part are kept is decided where it is merged: one that comes late in it may be known.
            most: if is_beside { usize::MAX } else { KEPT },
        }
    }

    fn beside(&self) -> Self {
        let kept = self.kept.iter();
        Self {
            places: self.places.clone(),
            kept: kept.map(|(key, value)| (*key, value.beside())).collect(),
            most: if self.kept.len() < self.most {
                usize::MAX
            } else {
                self.most
            },
        }
    }

    fn merge(&mut self, later: Self) {
        for (key, value) in later.kept {
            if let Some(mine) = self.slot(key) {
                mine.merge(value);
            }
        }
    }
}

impl Part for u64 {
    fn new(_: bool) -> Self {
        0
    }

    fn beside(&self) -> Self {
        0
    }

    fn merge(&mut self, later: Self) {
        *self += later;
    }
}

impl Part for Seen {
    fn new(_: bool) -> Self {
        Self::default()
    }

    fn beside(&self) -> Self {
        Self::default()
    }

    fn merge(&mut self, later: Self) {
        self.packets += later.packets;
        self.sent += later.sent;
        self.fresh_ttl += later.fresh_ttl;
        self.out_source += later.out_source;
        self.out_destination += later.out_destination;
        self.in_source += later.in_source;
        self.in_destination += later.in_destination;
    }
}

impl Part for OfMac {
    fn new(is_beside: bool) -> Self {
        Self {
            facts: MacFacts::default(),
            sources: Table::new(is_beside),
        }
    }

    fn beside(&self) -> Self {
        Self {
            facts: MacFacts::default(),
            sources: self.sources.beside(),
        }
    }

    fn merge(&mut self, later: Self) {
        self.facts.frames += later.facts.frames;
        self.facts.sent += later.facts.sent;
        self.facts.fresh_ttl += later.facts.fresh_ttl;
        self.facts.own_hints += later.facts.own_hints;
        self.sources.merge(later.sources);
    }
}

impl Part for OnInterface {
    fn new(is_beside: bool) -> Self {
        Self {
            survey: InterfaceSurvey::default(),
            addresses: Table::new(is_beside),
            groups: Table::new(is_beside),
            macs: Table::new(is_beside),
        }
    }

    fn beside(&self) -> Self {
        Self {
            survey: InterfaceSurvey::default(),
            addresses: self.addresses.beside(),
            groups: self.groups.beside(),
            macs: self.macs.beside(),
        }
    }

    fn merge(&mut self, later: Self) {
        let mine = &mut self.survey;
        mine.packets += later.survey.packets;
        mine.unicast_frames += later.survey.unicast_frames;
        mine.first = mine.first.or(later.survey.first);
        self.addresses.merge(later.addresses);
        self.groups.merge(later.groups);
        self.macs.merge(later.macs);
    }
}

impl Surveyor {
    /// A surveyor of packets that come behind all that this one knows of.
    pub fn beside(&self) -> Self {
        let interfaces = self.interfaces.iter();
        Self {
            interfaces: interfaces
                .map(|(name, interface)| (*name, interface.beside()))
                .collect(),
            is_beside: true,
        }
    }

    /// Takes one packet into account.
    pub fn note(&mut self, packet: &SurveyPacket) {
        self.on(packet.interface).note(packet);
    }

    /// Adds what was seen of the packets that come next.
    pub fn merge(&mut self, later: Self) {
        for (name, interface) in later.interfaces {
            self.on(name).merge(interface);
        }
    }

    /// What it saw.
    pub fn finish(self) -> Survey {
        let interfaces = self.interfaces.into_iter();
        Survey {
            interfaces: interfaces
                .map(|(name, interface)| (name, interface.finish()))
                .collect(),
        }
    }

    fn on(&mut self, name: Option<InterfaceName>) -> &mut OnInterface {
        let known = self.interfaces.iter().position(|(of, _)| *of == name);
        let place = known.unwrap_or_else(|| {
            let fresh = OnInterface::new(self.is_beside);
            self.interfaces.push((name, fresh));
            self.interfaces.len() - 1
        });
        self.interfaces.swap(0, place);
        &mut self.interfaces[0].1
    }
}

impl OnInterface {
    fn note(&mut self, packet: &SurveyPacket) {
        let survey = &mut self.survey;
        survey.packets += 1;
        let unicast = [packet.source, packet.destination].map(is_unicast);
        if survey.first.is_none() && unicast == [true, true] {
            survey.first = Some((packet.source, packet.destination));
        }
        if packet.destination.is_multicast()
            && let Some(count) = self.groups.slot(packet.destination)
        {
            *count += 1;
        }
        let fresh = u64::from(is_fresh(packet));
        let [source, destination] = unicast;
        for (address, is_source, is_unicast) in [
            (packet.source, true, source),
            (packet.destination, false, destination),
        ] {
            if is_unicast && let Some(seen) = self.addresses.slot(address) {
                seen.note(packet.direction, is_source, fresh);
            }
        }
        if let Some((from, to)) = packet.macs.filter(|(_, to)| to.0[0] & 1 == 0) {
            self.note_frame(packet, from, to, fresh);
        }
    }

    fn note_frame(&mut self, packet: &SurveyPacket, from: MacAddr, to: MacAddr, fresh: u64) {
        self.survey.unicast_frames += 1;
        if let Some(OfMac { facts, sources }) = self.macs.slot(from) {
            facts.frames += 1;
            facts.sent += 1;
            facts.fresh_ttl += fresh;
            facts.own_hints += u64::from(packet.direction == Some(Direction::Out));
            if let Some(seen) = sources.slot(packet.source) {
                seen.note(packet.direction, true, fresh);
            }
        }
        if from != to
            && let Some(OfMac { facts, .. }) = self.macs.slot(to)
        {
            facts.frames += 1;
            facts.own_hints += u64::from(packet.direction == Some(Direction::In));
        }
    }

    fn finish(self) -> InterfaceSurvey {
        InterfaceSurvey {
            addresses: self.addresses.ordered(|seen| seen),
            groups: self.groups.ordered(|packets| packets),
            macs: self.macs.ordered(|mac| MacFacts {
                sources: mac.sources.ordered(|seen| seen),
                ..mac.facts
            }),
            ..self.survey
        }
    }
}

impl Seen {
    fn note(&mut self, direction: Option<Direction>, is_source: bool, fresh: u64) {
        self.packets += 1;
        let count = match (direction, is_source) {
            (Some(Direction::Out), true) => Some(&mut self.out_source),
            (Some(Direction::Out), false) => Some(&mut self.out_destination),
            (Some(Direction::In), true) => Some(&mut self.in_source),
            (Some(Direction::In), false) => Some(&mut self.in_destination),
            (None, _) => None,
        };
        if let Some(count) = count {
            *count += 1;
        }
        if is_source {
            self.sent += 1;
            self.fresh_ttl += fresh;
        }
    }
}

fn is_unicast(addr: IpAddr) -> bool {
    !addr.is_multicast() && !addr.is_unspecified() && !is_broadcast(addr)
}

fn is_broadcast(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V4(a) if a.is_broadcast())
}

/// Whether the TTL is one that systems start with.
fn is_fresh(packet: &SurveyPacket) -> bool {
    matches!(packet.ttl, 64 | 128 | 255)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn packet()(
            interface in proptest::option::of(0_u8..3),
            direction in proptest::option::of(any::<bool>()),
            macs in proptest::option::of((0_u8..20, 0_u8..20)),
            (source, destination) in (0_u32..600, 0_u32..600),
            is_v6: bool,
            ttl in prop_oneof![Just(64), Just(63), any::<u8>()],
        ) -> SurveyPacket {
            let address = |number: u32| match (number, is_v6) {
                (0, false) => Ipv4Addr::BROADCAST.into(),
                (1, false) => Ipv4Addr::UNSPECIFIED.into(),
                (2..=9, false) => Ipv4Addr::new(224, 0, 0, number as u8).into(),
                (_, false) => Ipv4Addr::from(0x0a00_0000 + number * 77).into(),
                (0..=9, true) => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, number as u16).into(),
                (_, true) => Ipv6Addr::from(u128::from(number) << 64).into(),
            };
            let mac = |number: u8| MacAddr([number % 3, 0, 0, 0, 0, number]);
            SurveyPacket {
                interface: interface.map(|n| InterfaceName::new(&format!("eth{n}")).unwrap()),
                direction: direction.map(|out| if out { Direction::Out } else { Direction::In }),
                macs: macs.map(|(from, to)| (mac(from), mac(to))),
                source: address(source),
                destination: address(destination),
                ttl,
            }
        }
    }

    proptest! {
        /// What is kept is decided by the order of packets alone, however they fall into parts.
        #[test]
        fn parts_are_seen_as_the_whole_is(
            packets in proptest::collection::vec(packet(), 0..1500),
            parts in proptest::collection::vec((1_usize..700, any::<bool>()), 1..8),
        ) {
            let mut whole = Surveyor::default();
            for packet in &packets {
                whole.note(packet);
            }
            let mut merged = Surveyor::default();
            let mut waiting = Vec::new();
            let mut rest = packets.as_slice();
            for (len, waits) in parts.into_iter().cycle() {
                let (part, behind) = rest.split_at(len.min(rest.len()));
                let mut surveyor = merged.beside();
                for packet in part {
                    surveyor.note(packet);
                }
                waiting.push(surveyor);
                rest = behind;
                // Several parts may be beside the same.
                if !waits || rest.is_empty() {
                    waiting.drain(..).for_each(|part| merged.merge(part));
                }
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(merged.finish(), whole.finish());
        }
    }
}
