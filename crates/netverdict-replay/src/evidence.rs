//! Frames that are the continuation of earlier ones, and what they say about the model's predictions.
//!
//! A capture of several interfaces shows a forwarded packet twice: coming in, and going out, perhaps translated. The
//! second is not replayed but held against the prediction made for the first. What NAT and forwarding leave alone (IP
//! id, length, sequence numbers, payload) says that two frames are one packet; addresses and ports, which they change,
//! say whether the prediction was right.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use netverdict_capture::Direction;
use netverdict_engine::{Fate as EngineFate, Outcome, Transport};
use netverdict_net::{
    Device, Family, InterfaceName, Packet, Protocol, Timestamp, checksum, header,
};
use smallvec::SmallVec;

use crate::Record;
use crate::record::{Contradiction, Decision, Evidence, FrameRef};
use crate::transport::{self, Place};

/// How long after a packet its continuation may be seen: longer than any queue holds one.
const WINDOW: i64 = 2 * Timestamp::SECOND;
/// How many predictions are kept; the oldest go first.
const CAPACITY: usize = 1 << 16;
/// How much of a payload tells packets apart; short, since snap lengths cut the two frames at different places.
const SAMPLE: usize = 64;
/// Packets longer than this may leave in fragments (the least MTU of IPv6 links).
const MAY_FRAGMENT: usize = 1280;

/// What forwarding and NAT leave alone in a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    family: Family,
    protocol: Protocol,
    /// The IPv4 id or that of the IPv6 fragment header; 0 where there is none.
    id: u32,
    len: u32,
    /// Of the transport's own numbers and the payload's start.
    hash: u64,
}

/// What the fragments of a datagram share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FragmentsOf {
    source: IpAddr,
    destination: IpAddr,
    protocol: Protocol,
    id: u32,
}

/// A captured packet as evidence sees it; made in parallel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting {
    pub(crate) identity: Identity,
    pub(crate) transport: Transport,
    /// What the capture itself says about its direction.
    hint: Option<Direction>,
    emitted: Emitted,
    fragments_of: Option<FragmentsOf>,
    /// Whether its layer-4 checksum is right, so far as that was looked at.
    pub(crate) is_verified: bool,
}

/// What the model said of an earlier frame.
#[derive(Debug, Clone)]
struct Prediction {
    /// As it was captured.
    came: Transport,
    hint: Option<Direction>,
    /// As it is to leave and by which device; `None` if the model stopped it.
    leaves: Option<(Transport, Device)>,
    /// Whether it was seen leaving as predicted.
    is_borne_out: bool,
    frame: FrameRef,
    direction: Direction,
    interface: Device,
    said: Decision,
    time: Timestamp,
    keys: Keys,
}

/// An earlier frame that a later one is about.
#[derive(Debug)]
pub(crate) struct Continuation {
    pub(crate) evidence: Evidence,
    /// What was said of the packet that goes on; `None` for one that the path itself sent.
    pub(crate) said: Option<Decision>,
}

/// What tells packets apart that the path itself sent: the id and the numbers that the kernel chooses are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Emitted {
    transport: Transport,
    /// SYN, FIN, RST and ACK.
    tcp_flags: u8,
}

/// The predictions whose continuation may still be seen.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// In order of time.
    predictions: VecDeque<Prediction>,
    /// The serial number of the first.
    first: u64,
    /// Made when a frame comes that may be a continuation; captures of one side have none.
    index: Option<Index>,
}

/// Predictions by what a continuation shows.
#[derive(Debug, Default)]
struct Index {
    identity: HashMap<Identity, Serials, FixedState>,
    fragments: HashMap<FragmentsOf, u64, FixedState>,
    /// What the path itself sent: REJECT's answers, ICMP errors.
    emitted: HashMap<Emitted, Serials, FixedState>,
}

type Serials = SmallVec<[u64; 2]>;

#[derive(Debug, Clone, Default)]
struct Keys {
    identity: Option<Identity>,
    fragments: Option<FragmentsOf>,
    emitted: SmallVec<[Emitted; 1]>,
}

impl Sighting {
    /// Looks at a packet.
    pub(crate) fn of(packet: &Packet<'_>, hint: Option<Direction>) -> Self {
        let place = transport::place(packet);
        let id = id(packet, place);
        let transport = transport::transport_at(packet, place);
        Self {
            is_verified: !place.is_fragment
                && checksum::is_right(packet, place.protocol, place.offset),
            identity: Identity {
                family: packet.family(),
                protocol: place.protocol,
                id,
                len: packet.len() as u32,
                hash: FixedState::with_seed(0).hash_one(invariant(packet, place)),
            },
            transport,
            hint,
            emitted: Emitted::of(packet, place, transport),
            fragments_of: place.is_fragment.then_some(FragmentsOf {
                source: transport.source,
                destination: transport.destination,
                protocol: place.protocol,
                id,
            }),
        }
    }
}

impl Emitted {
    fn of(packet: &Packet<'_>, place: Place, transport: Transport) -> Self {
        let flags = packet
            .array::<1>(place.offset + 13)
            .map_or(0, |[flags]| flags & 0x17);
        let has_flags = place.protocol == Protocol::TCP && !place.is_later;
        Self {
            transport,
            tcp_flags: if has_flags { flags } else { 0 },
        }
    }
}

fn id(packet: &Packet<'_>, place: Place) -> u32 {
    match packet.family() {
        Family::V4 => packet.u16(4).unwrap_or(0).into(),
        Family::V6 if place.is_fragment => {
            let fragment = header::ipv6::find(packet, Some(Protocol::FRAGMENT));
            fragment
                .ok()
                .and_then(|f| packet.u32(f.offset + 4).ok())
                .unwrap_or(0)
        }
        Family::V6 => 0,
    }
}

/// The bytes behind the network header that no translation changes: `(numbers, payload's start)`.
fn invariant<'p>(packet: &'p Packet<'_>, place: Place) -> (&'p [u8], &'p [u8]) {
    let body = packet.captured().get(place.offset..).unwrap_or_default();
    let part = |from: usize, to: usize| body.get(from..to.min(body.len())).unwrap_or_default();
    if place.is_later {
        return (&[], part(0, SAMPLE));
    }
    match place.protocol {
        Protocol::TCP => {
            let data = usize::from(body.get(12).copied().unwrap_or(0x50) >> 4) * 4;
            (part(4, 12), part(data, data + SAMPLE))
        }
        Protocol::UDP | Protocol::UDPLITE => (part(4, 6), part(8, 8 + SAMPLE)),
        Protocol::SCTP => (part(4, 8), part(12, 12 + SAMPLE)),
        // An error carries the packet it is about, translated with it: its id or length and its protocol stay.
        Protocol::ICMP if is_icmp_error(place.protocol, body) => (part(0, 2), part(10, 14)),
        Protocol::ICMPV6 if is_icmp_error(place.protocol, body) => (part(0, 2), part(12, 15)),
        // The id is a query's port.
        Protocol::ICMP => (part(6, 8), part(8, 8 + SAMPLE)),
        Protocol::ICMPV6 => (part(0, 2), part(6, 6 + SAMPLE)),
        _ => (&[], part(0, SAMPLE)),
    }
}

fn is_icmp_error(protocol: Protocol, body: &[u8]) -> bool {
    let kind = body.first().copied().unwrap_or(0);
    if protocol == Protocol::ICMP {
        matches!(kind, 3 | 4 | 5 | 11 | 12)
    } else {
        kind < 128
    }
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            predictions: VecDeque::new(),
            first: 0,
            index: None,
        }
    }

    /// Keeps what the model said of a frame, if it can have a continuation.
    pub(crate) fn predict(&mut self, record: &Record, sighting: &Sighting, outcome: &Outcome) {
        let delivered = outcome.fate == EngineFate::Local && record.direction == Direction::In;
        let may_continue = !delivered && outcome.fate != EngineFate::Held;
        if !may_continue && outcome.emitted.is_empty() {
            return;
        }
        let leaving = Leaving::of(outcome, sighting).filter(|_| may_continue);
        let left = outcome.emitted.iter().filter_map(|e| e.left.as_ref());
        let emitted = left
            .map(|(packet, _)| {
                let place = transport::place(packet);
                Emitted::of(packet, place, transport::transport(packet))
            })
            .collect();
        let keys = Keys {
            identity: may_continue.then_some(sighting.identity),
            fragments: leaving
                .filter(|leaving| leaving.len > MAY_FRAGMENT)
                .map(|leaving| leaving.fragments()),
            emitted,
        };
        if let Some(index) = &mut self.index {
            index.add(self.first + self.predictions.len() as u64, &keys);
        }
        self.predictions.push_back(Prediction {
            came: sighting.transport,
            hint: sighting.hint,
            leaves: leaving.map(|leaving| (leaving.transport, outcome.out_device)),
            is_borne_out: false,
            frame: record.frame,
            direction: record.direction,
            interface: record.interface,
            said: record.said(),
            time: record.time,
            keys,
        });
        if self.predictions.len() > CAPACITY {
            self.forget_first();
        }
    }

    /// Drops predictions that are too old to be continued at `now`.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while self
            .predictions
            .front()
            .is_some_and(|first| now - first.time > WINDOW)
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(first) = self.predictions.pop_front() else {
            return;
        };
        if let Some(index) = &mut self.index {
            index.remove(self.first, &first.keys);
        }
        self.first += 1;
    }

    fn get(&self, serial: u64) -> Option<&Prediction> {
        let at = serial.checked_sub(self.first)?;
        self.predictions.get(usize::try_from(at).ok()?)
    }

    fn get_mut(&mut self, serial: u64) -> Option<&mut Prediction> {
        let at = serial.checked_sub(self.first)?;
        self.predictions.get_mut(usize::try_from(at).ok()?)
    }

    /// Makes the index, if it is not there yet.
    fn look_up(&mut self) {
        if self.index.is_none() {
            let mut index = Index::default();
            for (serial, prediction) in (self.first..).zip(&self.predictions) {
                index.add(serial, &prediction.keys);
            }
            self.index = Some(index);
        }
    }

    /// The earlier frame that this one continues, if there is one.
    ///
    /// `is_port` says whether a frame predicted to leave by the first device may be seen on the second: a bridge's or
    /// bond's port.
    pub(crate) fn continuation(
        &mut self,
        record: &Record,
        sighting: &Sighting,
        is_port: impl Fn(Device, Device) -> bool,
    ) -> Option<Continuation> {
        let loopback = Device::Named(InterfaceName::loopback());
        if record.direction == Direction::In && record.interface != loopback {
            return None;
        }
        self.look_up();
        let Some((serial, contradiction)) = self.find(record, sighting, is_port) else {
            return self.emission(record, sighting);
        };
        let prediction = self.get_mut(serial)?;
        prediction.is_borne_out |= contradiction.is_none();
        Some(Continuation {
            evidence: Evidence {
                of: prediction.frame,
                contradiction,
            },
            said: Some(prediction.said),
        })
    }

    fn find(
        &self,
        record: &Record,
        sighting: &Sighting,
        is_port: impl Fn(Device, Device) -> bool,
    ) -> Option<(u64, Option<Contradiction>)> {
        let index = self.index.as_ref()?;
        let seen = sighting.transport;
        let device = record.interface;
        let known = |serial: &u64| Some((*serial, self.get(*serial)?));
        let same = index.identity.get(&sighting.identity);
        let same: SmallVec<[_; 4]> = same
            .into_iter()
            .flatten()
            .filter_map(known)
            .filter(|(_, p)| p.may_continue(record, sighting))
            .collect();
        let as_predicted =
            |(_, p): &&(u64, &Prediction)| p.leaves.is_some_and(|(leaves, _)| leaves == seen);
        // Of several equal packets, each explains one frame before any explains two.
        let fresh = same
            .iter()
            .filter(as_predicted)
            .find(|(_, p)| !p.is_borne_out);
        let predicted = fresh.or_else(|| same.iter().find(as_predicted));
        let fragments = || {
            sighting
                .fragments_of
                .and_then(|f| known(index.fragments.get(&f)?))
        };
        let fragments = || fragments().filter(|(_, p)| p.may_continue(record, sighting));
        if let Some((serial, p)) = predicted.copied().or_else(fragments) {
            return Some((serial, p.interface_contradiction(device, is_port)));
        }
        let about = same
            .iter()
            .find(|(_, p)| !p.is_borne_out && p.is_about(sighting));
        about.map(|(serial, p)| (*serial, Some(p.header_contradiction(seen))))
    }

    /// The answer or error that the path itself sent, each seen once.
    fn emission(&mut self, record: &Record, sighting: &Sighting) -> Option<Continuation> {
        if record.direction == Direction::In {
            return None;
        }
        let serials = self.index.as_mut()?.emitted.get_mut(&sighting.emitted)?;
        let serial = (!serials.is_empty()).then(|| serials.remove(0))?;
        let of = self.get(serial)?.frame;
        Some(Continuation {
            evidence: Evidence {
                of,
                contradiction: None,
            },
            said: None,
        })
    }
}

impl Index {
    fn add(&mut self, serial: u64, keys: &Keys) {
        if let Some(identity) = keys.identity {
            self.identity.entry(identity).or_default().push(serial);
        }
        if let Some(fragments) = keys.fragments {
            self.fragments.insert(fragments, serial);
        }
        for &emitted in &keys.emitted {
            self.emitted.entry(emitted).or_default().push(serial);
        }
    }

    fn remove(&mut self, serial: u64, keys: &Keys) {
        if let Some(identity) = keys.identity {
            remove(&mut self.identity, &identity, serial);
        }
        for emitted in &keys.emitted {
            remove(&mut self.emitted, emitted, serial);
        }
        if let Some(fragments) = keys.fragments
            && self.fragments.get(&fragments) == Some(&serial)
        {
            self.fragments.remove(&fragments);
        }
    }
}

/// The header of a packet on its way out.
#[derive(Debug, Clone, Copy)]
struct Leaving {
    transport: Transport,
    len: usize,
    id: u32,
}

impl Leaving {
    /// Of a packet that left; `None` of one that did not.
    fn of(outcome: &Outcome, sighting: &Sighting) -> Option<Self> {
        if let Some(egress) = &outcome.egress {
            let place = transport::place(egress);
            return Some(Self {
                transport: transport::transport(egress),
                len: egress.len(),
                id: id(egress, place),
            });
        }
        let left = matches!(
            outcome.fate,
            EngineFate::Local | EngineFate::Forwarded | EngineFate::Sent
        );
        // Such a packet is whole and no fragment, and nothing but NAT and the hop count changed it.
        left.then(|| Self {
            transport: outcome.nat.map_or(sighting.transport, |nat| nat.after),
            len: outcome.len as usize,
            id: sighting.identity.id,
        })
    }

    const fn fragments(&self) -> FragmentsOf {
        FragmentsOf {
            source: self.transport.source,
            destination: self.transport.destination,
            protocol: self.transport.protocol,
            id: self.id,
        }
    }
}

impl Prediction {
    /// An outbound frame continues one that came in, or one that was made here and seen on another interface; on the
    /// loopback device the copy that comes back in continues the one that went out.
    fn may_continue(&self, record: &Record, sighting: &Sighting) -> bool {
        let earlier = self;
        match (earlier.direction, record.direction) {
            (Direction::In, Direction::Out) => true,
            (Direction::Out, Direction::Out) if earlier.interface != record.interface => true,
            (Direction::Out, _) => {
                record.interface == Device::Named(InterfaceName::loopback())
                    && earlier.interface == record.interface
                    && (self.hint, sighting.hint) == (Some(Direction::Out), Some(Direction::In))
            }
            (Direction::In, Direction::In) => false,
        }
    }

    /// Whether a packet of the same identity can be this one, wrongly predicted: an IP id makes it so, else one end must
    /// be the same.
    fn is_about(&self, sighting: &Sighting) -> bool {
        let seen = &sighting.transport;
        let one_end = |t: &Transport| t.source == seen.source || t.destination == seen.destination;
        let leaves = self.leaves.is_some_and(|(leaves, _)| one_end(&leaves));
        sighting.identity.id != 0 || one_end(&self.came) || leaves
    }

    fn interface_contradiction(
        &self,
        seen: Device,
        is_port: impl Fn(Device, Device) -> bool,
    ) -> Option<Contradiction> {
        let (_, predicted) = self.leaves?;
        let known = matches!((predicted, seen), (Device::Named(_), Device::Named(_)));
        (known && predicted != seen && !is_port(predicted, seen))
            .then_some(Contradiction::Interface { predicted, seen })
    }

    fn header_contradiction(&self, seen: Transport) -> Contradiction {
        match self.leaves {
            Some((predicted, _)) => Contradiction::Header { predicted, seen },
            None => Contradiction::Left {
                verdict: self.said.verdict,
            },
        }
    }
}

fn remove<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, Serials, FixedState>,
    key: &K,
    serial: u64,
) {
    if let Some(serials) = map.get_mut(key) {
        serials.retain(|s| *s != serial);
        if serials.is_empty() {
            map.remove(key);
        }
    }
}
