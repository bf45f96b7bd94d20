//! What a first pass over the captures tells about the host: which MAC and IP addresses send and receive on which
//! interface, and in which direction where the capture knows.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_capture::Direction;
use netverdict_host::Interface;
use netverdict_net::{InterfaceName, MacAddr};

use crate::{Bundle, Overrides};

mod surveyor;

pub use surveyor::Surveyor;

/// How many addresses are kept for a MAC address or an interface; a few are what the inferences look at.
const KEPT: usize = 256;

/// What the captures show, by the interface they name. The order of frames matters only for [`InterfaceSurvey::first`];
/// surveys of parts are merged in the order of their frames.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// By interface; `None` is captures that name none.
    pub interfaces: BTreeMap<Option<InterfaceName>, InterfaceSurvey>,
}

/// What was seen on one interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InterfaceSurvey {
    /// IP packets.
    pub packets: u64,
    /// IP packets in unicast Ethernet frames.
    pub unicast_frames: u64,
    /// By MAC address of unicast frames.
    pub macs: BTreeMap<MacAddr, MacFacts>,
    /// By IP address, the first so many.
    pub addresses: BTreeMap<IpAddr, Seen>,
    /// Multicast groups that packets were sent to, the first so many.
    pub groups: BTreeMap<IpAddr, u64>,
    /// Source and destination of the first packet between two unicast addresses.
    pub first: Option<(IpAddr, IpAddr)>,
}

/// What a MAC address did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MacFacts {
    /// Unicast frames that it sent or received.
    pub frames: u64,
    /// Unicast frames sent.
    pub sent: u64,
    /// Sent frames whose TTL nobody has lowered yet.
    pub fresh_ttl: u64,
    /// Frames that the capture marks as going out, sent by it, or as coming in, to it.
    pub own_hints: u64,
    /// Sources of the frames it sent, the first so many.
    pub sources: BTreeMap<IpAddr, Seen>,
}

/// How often an address was seen, in which part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Packets with it as source or destination.
    pub packets: u64,
    /// Packets with it as source.
    pub sent: u64,
    /// Sent packets whose TTL nobody has lowered yet.
    pub fresh_ttl: u64,
    /// As the source of packets marked as going out.
    pub out_source: u64,
    /// As the destination of packets marked as going out.
    pub out_destination: u64,
    /// As the source of packets marked as coming in.
    pub in_source: u64,
    /// As the destination of packets marked as coming in.
    pub in_destination: u64,
}

/// One packet as the survey takes it.
#[derive(Debug, Clone, Copy)]
pub struct SurveyPacket {
    /// The interface that the capture names.
    pub interface: Option<InterfaceName>,
    /// The direction that the capture names.
    pub direction: Option<Direction>,
    /// The MAC addresses of an Ethernet frame, source first.
    pub macs: Option<(MacAddr, MacAddr)>,
    /// The IP source.
    pub source: IpAddr,
    /// The IP destination.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub ttl: u8,
}

impl Survey {
    /// Whether captures can tell more about the host than its files and the flags do; assumptions, which are for
    /// reports, tell of the captures in any case.
    pub fn can_tell(bundle: &Bundle, overrides: &Overrides) -> bool {
        let Some(interfaces) = &bundle.interfaces else {
            return true;
        };
        // On a device on top of another a packet counts where it was captured.
        let is_stacked = |interface: &Interface| {
            let name = interface.name.as_str();
            interface.master.is_some() || name.contains('.') || name.starts_with("vlan")
        };
        !overrides.local.is_empty() || interfaces.iter().any(is_stacked)
    }

    /// Stands for captures that nobody has looked at, where [`Self::can_tell`] says no: both families may occur.
    pub fn unseen() -> Self {
        let mut addresses = BTreeMap::new();
        for address in [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        ] {
            addresses.insert(address, Seen::default());
        }
        let seen = InterfaceSurvey {
            addresses,
            ..InterfaceSurvey::default()
        };
        Self {
            interfaces: BTreeMap::from([(None, seen)]),
        }
    }

    /// Takes one packet into account.
    pub fn note(&mut self, packet: &SurveyPacket) {
        self.interfaces
            .entry(packet.interface)
            .or_default()
            .note(packet);
    }

    /// Adds what a survey of later frames saw.
    pub fn merge(&mut self, later: Self) {
        for (interface, survey) in later.interfaces {
            self.interfaces.entry(interface).or_default().merge(survey);
        }
    }

    /// The multicast groups that packets were sent to, but those that every host joins.
    pub fn groups(&self) -> impl Iterator<Item = IpAddr> {
        self.interfaces
            .values()
            .flat_map(|s| s.groups.keys().copied())
            .filter(|g| !is_everybodys(*g))
    }

    /// The interfaces that the captures name.
    pub fn named(&self) -> impl Iterator<Item = InterfaceName> {
        self.interfaces.keys().flatten().copied()
    }
}

impl InterfaceSurvey {
    fn note(&mut self, packet: &SurveyPacket) {
        self.packets += 1;
        if self.first.is_none() && is_unicast(packet.source) && is_unicast(packet.destination) {
            self.first = Some((packet.source, packet.destination));
        }
        if packet.destination.is_multicast()
            && let Some(count) = slot(&mut self.groups, packet.destination)
        {
            *count += 1;
        }
        let fresh = u64::from(is_fresh(packet));
        for (address, is_source) in [(packet.source, true), (packet.destination, false)] {
            if is_unicast(address)
                && let Some(seen) = slot(&mut self.addresses, address)
            {
                seen.note(packet.direction, is_source, fresh);
            }
        }
        if let Some((from, to)) = packet.macs.filter(|(_, to)| to.0[0] & 1 == 0) {
            self.note_frame(packet, from, to, fresh);
        }
    }

    fn note_frame(&mut self, packet: &SurveyPacket, from: MacAddr, to: MacAddr, fresh: u64) {
        self.unicast_frames += 1;
        if let Some(sender) = slot(&mut self.macs, from) {
            sender.frames += 1;
            sender.sent += 1;
            sender.fresh_ttl += fresh;
            sender.own_hints += u64::from(packet.direction == Some(Direction::Out));
            if let Some(seen) = slot(&mut sender.sources, packet.source) {
                seen.note(packet.direction, true, fresh);
            }
        }
        if from != to
            && let Some(receiver) = slot(&mut self.macs, to)
        {
            receiver.frames += 1;
            receiver.own_hints += u64::from(packet.direction == Some(Direction::In));
        }
    }

    fn merge(&mut self, later: Self) {
        self.packets += later.packets;
        self.unicast_frames += later.unicast_frames;
        self.first = self.first.or(later.first);
        for (address, seen) in later.addresses {
            if let Some(mine) = slot(&mut self.addresses, address) {
                mine.merge(seen);
            }
        }
        for (group, packets) in later.groups {
            if let Some(mine) = slot(&mut self.groups, group) {
                *mine += packets;
            }
        }
        for (mac, facts) in later.macs {
            if let Some(mine) = slot(&mut self.macs, mac) {
                mine.merge(facts);
            }
        }
    }

    /// Whether the capture marks directions here.
    pub fn has_directions(&self) -> bool {
        self.addresses
            .values()
            .any(|s| s.out_source + s.in_source + s.in_destination + s.out_destination > 0)
    }
}

impl MacFacts {
    fn merge(&mut self, later: Self) {
        self.frames += later.frames;
        self.sent += later.sent;
        self.fresh_ttl += later.fresh_ttl;
        self.own_hints += later.own_hints;
        for (address, seen) in later.sources {
            if let Some(mine) = slot(&mut self.sources, address) {
                mine.merge(seen);
            }
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

/// The key's entry; a full map takes no new keys.
fn slot<K: Ord, V: Default>(map: &mut BTreeMap<K, V>, key: K) -> Option<&mut V> {
    if map.len() >= KEPT && !map.contains_key(&key) {
        return None;
    }
    Some(map.entry(key).or_default())
}

/// All-hosts groups, and the solicited-node groups that follow from a host's addresses.
fn is_everybodys(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(g) => g.octets() == [224, 0, 0, 1],
        IpAddr::V6(g) => matches!(
            g.segments(),
            [0xff01 | 0xff02, 0, 0, 0, 0, 0, 0, 1] | [0xff02, 0, 0, 0, 0, 1, 0xff00..=0xffff, _]
        ),
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
