//! A survey of consecutive packets. Most are of few addresses on few interfaces, which are found by hash; what comes of it
//! is ordered.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use netverdict_capture::Direction;
use netverdict_net::{InterfaceName, MacAddr};

use super::{
    InterfaceSurvey, KEPT, MacFacts, Seen, Survey, SurveyPacket, is_fresh, is_unicast, slot,
};

/// Surveys packets, in their order.
#[derive(Debug, Default)]
pub struct Surveyor {
    /// The one that the last packet was on is the first.
    interfaces: Vec<(Option<InterfaceName>, OnInterface)>,
}

/// What was seen on one interface. The parts of the survey that are kept beside it are empty in it.
#[derive(Debug, Default)]
struct OnInterface {
    survey: InterfaceSurvey,
    addresses: Table<IpAddr, Seen>,
    macs: Table<MacAddr, OfMac>,
}

#[derive(Debug, Default)]
struct OfMac {
    facts: MacFacts,
    sources: Table<IpAddr, Seen>,
}

/// The first so many keys, in the order in which they came.
#[derive(Debug)]
struct Table<K, V> {
    places: HashMap<K, u32, RandomState>,
    kept: Vec<(K, V)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self {
            places: HashMap::default(),
            kept: Vec::new(),
        }
    }
}

impl<K: Copy + Ord + Hash, V: Default> Table<K, V> {
    /// The key's entry; a full table takes no new keys.
    fn slot(&mut self, key: K) -> Option<&mut V> {
        let place = match self.places.get(&key) {
            Some(place) => *place as usize,
            None if self.kept.len() >= KEPT => return None,
            None => {
                self.places.insert(key, self.kept.len() as u32);
                self.kept.push((key, V::default()));
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

impl Surveyor {
    /// Takes one packet into account.
    pub fn note(&mut self, packet: &SurveyPacket) {
        let name = packet.interface;
        let known = self.interfaces.iter().position(|(of, _)| *of == name);
        let place = known.unwrap_or_else(|| {
            self.interfaces.push((name, OnInterface::default()));
            self.interfaces.len() - 1
        });
        self.interfaces.swap(0, place);
        if let Some((_, interface)) = self.interfaces.first_mut() {
            interface.note(packet);
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
            && let Some(count) = slot(&mut survey.groups, packet.destination)
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
            macs: self.macs.ordered(|mac| MacFacts {
                sources: mac.sources.ordered(|seen| seen),
                ..mac.facts
            }),
            ..self.survey
        }
    }
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
        #[test]
        fn it_sees_what_packet_by_packet_is_noted(
            packets in proptest::collection::vec(packet(), 0..1500)
        ) {
            let (mut surveyor, mut survey) = (Surveyor::default(), Survey::default());
            for packet in &packets {
                surveyor.note(packet);
                survey.note(packet);
            }
            prop_assert_eq!(surveyor.finish(), survey);
        }
    }
}
