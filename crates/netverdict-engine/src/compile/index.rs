//! Which rules of a long chain a packet may match at all.
//!
//! A rule is filed under one test that it cannot match without: its source, else its destination, its devices, its
//! destination port, its protocol. A look-up gives the rules filed under the packet's own values, and those that are filed
//! under nothing; all others an evaluation would leave by that test alone. That holds since the test comes before
//! anything in the rule that has an effect: only matches that always answer plainly stand before it, and packets whose
//! headers cannot be read, or whose device is not known where a rule asks, are not told apart by it.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use netverdict_net::{Device, Family, InterfaceName, Packet, Protocol, header};
use netverdict_ruleset::Match;
use netverdict_ruleset::matches::{PortEntry, PortSide};
use smallvec::SmallVec;

use super::rule::{AddrTest, CompiledMatch, CompiledRule};
use crate::Skb;

/// Chains, and files, of fewer rules are gone through.
const WORTH_IT: usize = 16;
/// A rule is filed under so many ports at most.
const PORTS: usize = 64;

type Map<K, V> = HashMap<K, V, FixedState>;

/// Places of rules, ascending.
pub(crate) type Places<'i> = &'i [u32];

/// What a packet is looked up by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    source: u128,
    destination: u128,
    in_device: Device,
    out_device: Device,
    protocol: Protocol,
    /// The destination port, where the protocol has ports.
    port: Option<u16>,
}

impl Fields {
    /// Reads them; `None` of packets whose rules must be gone through. Addresses are those that rules see.
    pub(crate) fn of(skb: &Skb<'_>, source: u128, destination: u128) -> Option<Self> {
        let packet = &skb.packet;
        if !packet.is_whole() || has_more_headers(packet) {
            return None;
        }
        let protocol = header::next_protocol(packet);
        let at = header::network_header_len(packet);
        let port = match protocol {
            Protocol::TCP => Some(packet.read(at, 20).ok().map(|_| at + 2)?),
            Protocol::UDP => Some(packet.read(at, 8).ok().map(|_| at + 2)?),
            _ => None,
        };
        Some(Self {
            source,
            destination,
            in_device: skb.in_device,
            out_device: skb.out_device,
            protocol,
            port: port.and_then(|at| packet.u16(at).ok()),
        })
    }
}

/// Fragments, and IPv6 extension headers: what protocol a rule finds depends on how far it looks.
fn has_more_headers(packet: &Packet<'_>) -> bool {
    match packet.family() {
        Family::V4 => header::ipv4_fragment(packet) != (0, false),
        Family::V6 => header::ipv6::is_extension(header::next_protocol(packet)),
    }
}

/// One chain's rules, filed.
#[derive(Debug)]
pub(crate) struct Index {
    root: File,
}

/// Rules under some value.
#[derive(Debug)]
enum File {
    /// So few that all of them are tried.
    Few(SmallVec<[u32; 4]>),
    Many(Box<Drawers>),
}

/// Rules filed by one kind of test each, and those by none.
#[derive(Debug, Default)]
struct Drawers {
    sources: Vec<(u128, Map<u128, File>)>,
    destinations: Vec<(u128, Map<u128, File>)>,
    in_devices: Map<InterfaceName, File>,
    out_devices: Map<InterfaceName, File>,
    ports: Map<(Protocol, u16), File>,
    protocols: Map<Protocol, File>,
    rest: Vec<u32>,
}

/// A kind of test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Source,
    Destination,
    InDevice,
    OutDevice,
    Port,
    Protocol,
}

/// In the order in which rules are filed.
const DIMENSIONS: [Dimension; 6] = [
    Dimension::Source,
    Dimension::Destination,
    Dimension::InDevice,
    Dimension::OutDevice,
    Dimension::Port,
    Dimension::Protocol,
];

/// What a rule is filed by.
struct Card {
    place: u32,
    source: Option<AddrTest>,
    destination: Option<AddrTest>,
    in_device: Option<InterfaceName>,
    out_device: Option<InterfaceName>,
    protocol: Option<Protocol>,
    ports: SmallVec<[u16; 4]>,
}

impl Index {
    /// Files a chain's rules, if there are so many that it pays; `rules` with their places.
    pub(crate) fn of<'r>(
        rules: impl Iterator<Item = (u32, &'r CompiledRule)>,
        matches: &[CompiledMatch],
    ) -> Option<Self> {
        let cards: Vec<Card> = rules
            .map(|(place, rule)| Card::of(place, rule, matches))
            .collect();
        let all: Vec<&Card> = cards.iter().collect();
        (all.len() >= WORTH_IT).then(|| Self {
            root: File::of(&all, &DIMENSIONS),
        })
    }

    /// The rules that a packet may match.
    pub(crate) fn find<'i>(&'i self, fields: &Fields, found: &mut SmallVec<[Places<'i>; 8]>) {
        self.root.find(fields, found);
    }
}

impl Card {
    fn of(place: u32, rule: &CompiledRule, matches: &[CompiledMatch]) -> Self {
        let basics = &rule.basics;
        let devices = [&basics.in_interface, &basics.out_interface];
        let [in_device, out_device] = devices.map(|test| {
            let test = test.as_ref().filter(|test| !test.inverted)?;
            InterfaceName::new(test.value.as_str()).ok()
        });
        // A pattern that is no name asks the device, which may not be known; tests behind it do not count then.
        let named = |test: &Option<netverdict_ruleset::Invertible<_>>,
                     name: Option<InterfaceName>| {
            test.is_none()
                || name.is_some_and(|n| !n.as_str().is_empty() && !n.as_str().ends_with('+'))
        };
        let exact =
            named(&basics.in_interface, in_device) && named(&basics.out_interface, out_device);
        let protocol = basics
            .protocol
            .filter(|test| exact && !test.inverted && test.value != Protocol(0))
            .map(|test| test.value);
        let tests = matches.get(rule.matches.clone()).unwrap_or_default();
        let ports = match protocol {
            Some(Protocol::TCP | Protocol::UDP) => ports(tests),
            _ => SmallVec::new(),
        };
        let prefix = |test: Option<AddrTest>| test.filter(AddrTest::narrows);
        Self {
            place,
            source: prefix(basics.source),
            destination: prefix(basics.destination),
            in_device: in_device.filter(|_| exact),
            out_device: out_device.filter(|_| exact),
            protocol,
            ports,
        }
    }

    fn has(&self, dimension: Dimension) -> bool {
        match dimension {
            Dimension::Source => self.source.is_some(),
            Dimension::Destination => self.destination.is_some(),
            Dimension::InDevice => self.in_device.is_some(),
            Dimension::OutDevice => self.out_device.is_some(),
            Dimension::Port => !self.ports.is_empty(),
            Dimension::Protocol => self.protocol.is_some(),
        }
    }
}

/// The destination ports without one of which a rule's first matches say no; none if they do not tell.
fn ports(tests: &[CompiledMatch]) -> SmallVec<[u16; 4]> {
    for test in tests {
        match &test.test {
            Match::Comment(_) | Match::Conntrack(_) | Match::Mark(_) | Match::Connmark(_) => {}
            Match::Tcp(m) => match listed([PortEntry::Range(m.destination.value)].iter()) {
                Some(ports) if !m.destination.inverted => return ports,
                // A look at an option that is not there may drop the packet.
                _ if m.option.is_some() => break,
                _ => {}
            },
            Match::Udp(m) => {
                let ports = listed([PortEntry::Range(m.destination.value)].iter());
                if let Some(ports) = ports.filter(|_| !m.destination.inverted) {
                    return ports;
                }
            }
            Match::Multiport(m) => {
                let plain = m.side == PortSide::Destination && !m.ports.inverted;
                if let Some(ports) = listed(m.ports.value.iter()).filter(|_| plain) {
                    return ports;
                }
            }
            _ => break,
        }
    }
    SmallVec::new()
}

/// All ports of some entries, unless they are many.
fn listed<'e>(entries: impl Iterator<Item = &'e PortEntry>) -> Option<SmallVec<[u16; 4]>> {
    let mut ports = SmallVec::new();
    for entry in entries {
        let (start, end) = match entry {
            PortEntry::Port(port) => (*port, *port),
            PortEntry::Range(range) => (range.start, range.end),
        };
        if usize::from(end.saturating_sub(start)) + ports.len() >= PORTS {
            return None;
        }
        ports.extend(start..=end);
    }
    ports.sort_unstable();
    ports.dedup();
    (!ports.is_empty()).then_some(ports)
}

impl File {
    /// Files rules by the dimensions that are left, each by the first that it has.
    fn of(cards: &[&Card], dimensions: &[Dimension]) -> Self {
        if cards.len() < WORTH_IT {
            return Self::Few(cards.iter().map(|card| card.place).collect());
        }
        let mut drawers = Drawers::default();
        let mut left: Vec<&Card> = cards.to_vec();
        let mut beneath = dimensions;
        while let [dimension, rest @ ..] = beneath {
            beneath = rest;
            let (here, others): (Vec<&Card>, _) =
                left.into_iter().partition(|card| card.has(*dimension));
            left = others;
            drawers.add(*dimension, &here, beneath);
        }
        drawers.rest = left.iter().map(|card| card.place).collect();
        Self::Many(Box::new(drawers))
    }

    fn find<'i>(&'i self, fields: &Fields, found: &mut SmallVec<[Places<'i>; 8]>) {
        match self {
            Self::Few(places) => found.push(places),
            Self::Many(drawers) => drawers.find(fields, found),
        }
    }

    fn all<'i>(&'i self, found: &mut SmallVec<[Places<'i>; 8]>) {
        match self {
            Self::Few(places) => found.push(places),
            Self::Many(drawers) => drawers.all(found),
        }
    }
}

impl Drawers {
    fn add(&mut self, dimension: Dimension, cards: &[&Card], beneath: &[Dimension]) {
        match dimension {
            Dimension::Source => self.sources = by_address(cards, |card| card.source, beneath),
            Dimension::Destination => {
                self.destinations = by_address(cards, |card| card.destination, beneath);
            }
            Dimension::InDevice => self.in_devices = by(cards, |c| c.in_device, beneath),
            Dimension::OutDevice => self.out_devices = by(cards, |c| c.out_device, beneath),
            Dimension::Port => {
                let keys = |card: &Card| {
                    let protocol = card.protocol.unwrap_or(Protocol(0));
                    card.ports
                        .iter()
                        .map(move |port| (protocol, *port))
                        .collect::<Vec<_>>()
                };
                self.ports = by(cards, keys, beneath);
            }
            Dimension::Protocol => self.protocols = by(cards, |c| c.protocol, beneath),
        }
    }

    fn find<'i>(&'i self, fields: &Fields, found: &mut SmallVec<[Places<'i>; 8]>) {
        for (mask, files) in &self.sources {
            if let Some(file) = files.get(&(fields.source & mask)) {
                file.find(fields, found);
            }
        }
        for (mask, files) in &self.destinations {
            if let Some(file) = files.get(&(fields.destination & mask)) {
                file.find(fields, found);
            }
        }
        for (files, device) in [
            (&self.in_devices, &fields.in_device),
            (&self.out_devices, &fields.out_device),
        ] {
            match device {
                Device::Absent => {}
                Device::Named(name) => {
                    if let Some(file) = files.get(name) {
                        file.find(fields, found);
                    }
                }
                // Each of them asks.
                Device::Unknown => all(files, found),
            }
        }
        if let Some(port) = fields.port
            && !self.ports.is_empty()
            && let Some(file) = self.ports.get(&(fields.protocol, port))
        {
            file.find(fields, found);
        }
        if !self.protocols.is_empty()
            && let Some(file) = self.protocols.get(&fields.protocol)
        {
            file.find(fields, found);
        }
        if !self.rest.is_empty() {
            found.push(&self.rest);
        }
    }

    fn all<'i>(&'i self, found: &mut SmallVec<[Places<'i>; 8]>) {
        for (_, files) in self.sources.iter().chain(&self.destinations) {
            all(files, found);
        }
        all(&self.in_devices, found);
        all(&self.out_devices, found);
        all(&self.ports, found);
        all(&self.protocols, found);
        found.push(&self.rest);
    }
}

/// Everything in some files; the order of the lists does not matter.
fn all<'i, K>(files: &'i Map<K, File>, found: &mut SmallVec<[Places<'i>; 8]>) {
    for file in files.values() {
        file.all(found);
    }
}

fn by<K: std::hash::Hash + Eq, I: IntoIterator<Item = K>>(
    cards: &[&Card],
    keys: impl Fn(&Card) -> I,
    beneath: &[Dimension],
) -> Map<K, File> {
    let mut groups: Map<K, Vec<&Card>> = Map::default();
    for card in cards {
        for key in keys(card) {
            groups.entry(key).or_default().push(card);
        }
    }
    groups
        .into_iter()
        .map(|(key, cards)| (key, File::of(&cards, beneath)))
        .collect()
}

fn by_address(
    cards: &[&Card],
    test: impl Fn(&Card) -> Option<AddrTest>,
    beneath: &[Dimension],
) -> Vec<(u128, Map<u128, File>)> {
    let mut groups: BTreeMap<u128, Vec<&Card>> = BTreeMap::new();
    for card in cards {
        if let Some(test) = test(card) {
            groups.entry(test.mask()).or_default().push(card);
        }
    }
    groups
        .into_iter()
        .map(|(mask, cards)| {
            let files = by(&cards, |card| test(card).map(|t| t.addr()), beneath);
            (mask, files)
        })
        .collect()
}
