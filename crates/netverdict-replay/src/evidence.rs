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
use netverdict_engine::{
    Engine, Fate as EngineFate, FlowId, NatView, Outcome, Passed, PathId, Transport,
};
use netverdict_net::{
    Device, Family, InterfaceName, Packet, Protocol, Timestamp, checksum, header,
};
use smallvec::SmallVec;

use crate::offload::is_pending;
use crate::quick::{Quick, Station};
use crate::record::{Contradiction, Decision, Evidence, FrameRef, Saying};
use crate::transport::{self, Place};
use crate::{Record, Verdict};

mod sayings;

use sayings::{SayingId, Sayings};

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
    /// SYN, FIN, RST and ACK.
    tcp_flags: u8,
    /// TTL or hop limit.
    hops: u8,
    pub(crate) is_fragment: bool,
    /// Whether its layer-4 checksum is right, so far as that was looked at.
    pub(crate) is_verified: bool,
    /// Whether a device is yet to fill it in.
    pub(crate) is_pending: bool,
}

/// What the model said of an earlier frame.
#[derive(Debug, Clone)]
struct Prediction {
    /// As it was captured.
    came: Transport,
    /// As it is to leave; `None` if the model stopped it.
    leaves: Option<Transport>,
    /// What its continuation shares with it, if it can have one.
    identity: Option<Identity>,
    /// The id of the fragments in which it may leave.
    fragments_id: Option<u32>,
    hint: Option<Direction>,
    hops: u8,
    /// Whether it was seen leaving as predicted.
    is_borne_out: bool,
    direction: Direction,
    frame: FrameRef,
    time: Timestamp,
    flow: Option<FlowId>,
    said: SayingId,
    /// What few have.
    more: Option<Box<More>>,
}

/// What few predictions have.
#[derive(Debug, Clone, Default)]
struct More {
    emitted: SmallVec<[Emitted; 1]>,
    nat: Nat,
}

/// A prediction's translation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Nat {
    /// How the packet came and leaves tells it.
    #[default]
    Told,
    Other(Option<NatView>),
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
    sayings: Sayings,
    /// What was said of the paths last taken.
    said: [Option<Said>; 4],
    /// The serial number of the first.
    first: u64,
    /// Made when a frame comes that may be a continuation; captures of one side have none.
    index: Option<Index>,
}

/// What is said of packets that took a path from an interface.
#[derive(Debug, Clone, Copy)]
struct Said {
    path: PathId,
    interface: Device,
    number: SayingId,
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

impl Identity {
    fn of(packet: &Packet<'_>, place: Place, id: u32) -> Self {
        Self {
            family: packet.family(),
            protocol: place.protocol,
            id,
            len: packet.len() as u32,
            hash: FixedState::with_seed(0).hash_one(invariant(packet, place)),
        }
    }

    /// Of a packet with its transport header at a known place, which is no fragment.
    pub(crate) fn of_plain(packet: &Packet<'_>, protocol: Protocol, offset: usize) -> Self {
        let place = Place {
            protocol,
            offset,
            is_fragment: false,
            is_later: false,
        };
        Self::of(packet, place, id(packet, place))
    }
}

impl Sighting {
    /// Looks at a packet.
    pub(crate) fn of(packet: &Packet<'_>, hint: Option<Direction>) -> Self {
        let place = transport::place(packet);
        let id = id(packet, place);
        let transport = transport::transport_at(packet, place);
        let is_verified =
            !place.is_fragment && checksum::is_right(packet, place.protocol, place.offset);
        Self {
            is_verified,
            is_pending: !is_verified
                && !place.is_fragment
                && is_pending(packet, place.protocol, place.offset),
            identity: Identity::of(packet, place, id),
            transport,
            hint,
            tcp_flags: tcp_flags(packet, place),
            hops: hops(packet),
            is_fragment: place.is_fragment,
        }
    }

    /// What an answer that the path itself sent would show.
    const fn emitted(&self) -> Emitted {
        Emitted {
            transport: self.transport,
            tcp_flags: self.tcp_flags,
        }
    }

    /// The datagram that it is a fragment of.
    fn fragments_of(&self) -> Option<FragmentsOf> {
        self.is_fragment.then_some(FragmentsOf {
            source: self.transport.source,
            destination: self.transport.destination,
            protocol: self.transport.protocol,
            id: self.identity.id,
        })
    }
}

fn tcp_flags(packet: &Packet<'_>, place: Place) -> u8 {
    if place.protocol != Protocol::TCP || place.is_later {
        return 0;
    }
    packet
        .array::<1>(place.offset + 13)
        .map_or(0, |[flags]| flags & 0x17)
}

fn hops(packet: &Packet<'_>) -> u8 {
    let at = match packet.family() {
        Family::V4 => 8,
        Family::V6 => 7,
    };
    packet.array::<1>(at).map_or(0, |[hops]| *hops)
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
            sayings: Sayings::default(),
            said: [None; 4],
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
        let prediction = Prediction {
            came: sighting.transport,
            leaves: leaving.map(|leaving| leaving.transport),
            identity: may_continue.then_some(sighting.identity),
            fragments_id: leaving
                .filter(|leaving| leaving.len > MAY_FRAGMENT)
                .map(|leaving| leaving.id),
            hint: sighting.hint,
            hops: sighting.hops,
            is_borne_out: false,
            direction: record.direction,
            frame: record.frame,
            time: record.time,
            flow: record.flow,
            said: self.sayings.number(&Saying::of(record)),
            more: None,
        };
        let more = More {
            emitted: emitted(outcome),
            nat: if prediction.told_nat() == record.nat {
                Nat::Told
            } else {
                Nat::Other(record.nat)
            },
        };
        let is_more = !more.emitted.is_empty() || more.nat != Nat::Told;
        let prediction = Prediction {
            more: is_more.then(|| Box::new(more)),
            ..prediction
        };
        self.keep(prediction);
    }

    fn keep(&mut self, prediction: Prediction) {
        if let Some(index) = &mut self.index {
            index.add(self.first + self.predictions.len() as u64, &prediction);
        }
        self.predictions.push_back(prediction);
        if self.predictions.len() > CAPACITY {
            self.forget_first();
        }
    }

    /// Keeps what is said of a packet that took a remembered path, whose outcome `say` tells.
    pub(crate) fn predict_passed(
        &mut self,
        (quick, identity): (&Quick, Identity),
        (frame, flow): (FrameRef, Option<FlowId>),
        station: &Station,
        passed: &Passed,
        engine: &Engine,
    ) {
        let Some(fate) = engine
            .fate_of(passed)
            .filter(|fate| *fate != EngineFate::Local)
        else {
            return;
        };
        let say = || engine.outcome_of(passed);
        let Some(said) = self.said_of(passed.path(), station.interface, say) else {
            return;
        };
        let came = quick.glance.transport();
        let left = matches!(fate, EngineFate::Forwarded | EngineFate::Sent);
        let leaves = left.then(|| engine.left_as(passed).unwrap_or(came));
        self.keep(Prediction {
            came,
            leaves,
            identity: Some(identity),
            fragments_id: (left && identity.len as usize > MAY_FRAGMENT).then_some(identity.id),
            hint: station.hint,
            hops: quick.hops,
            is_borne_out: false,
            direction: Direction::In,
            frame,
            time: quick.time,
            flow,
            said,
            more: None,
        });
    }

    fn said_of(
        &mut self,
        path: PathId,
        interface: Device,
        say: impl FnOnce() -> Option<Outcome>,
    ) -> Option<SayingId> {
        let known = self.said.iter().flatten();
        let mut known = known.filter(|said| said.path == path && said.interface == interface);
        if let Some(said) = known.next() {
            return Some(said.number);
        }
        let said = Said {
            path,
            interface,
            number: self.sayings.number(&Saying::of_outcome(&say()?, interface)),
        };
        self.said.rotate_right(1);
        self.said[0] = Some(said);
        Some(said.number)
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
        // Where it is: to take it out first would be to copy it.
        if let (Some(index), Some(first)) = (&mut self.index, self.predictions.front()) {
            index.remove(self.first, first);
        }
        if self.predictions.pop_front().is_none() {
            return;
        }
        self.first += 1;
        if self.sayings.len() > 2 * CAPACITY {
            self.forget_sayings();
        }
    }

    /// Keeps only what is said of the predictions at hand.
    fn forget_sayings(&mut self) {
        let old = std::mem::take(&mut self.sayings);
        self.said = [None; 4];
        for prediction in &mut self.predictions {
            prediction.said = self.sayings.number(old.get(prediction.said));
        }
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
                index.add(serial, prediction);
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
        let of = prediction.frame;
        let said = self.get(serial).map(|p| p.decision(&self.sayings));
        Some(Continuation {
            evidence: Evidence { of, contradiction },
            said,
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
            .filter(|(_, p)| p.may_continue(record, sighting, &self.sayings))
            .collect();
        let as_predicted =
            |(_, p): &&(u64, &Prediction)| p.leaves.is_some_and(|leaves| leaves == seen);
        // Of several equal packets, each explains one frame before any explains two.
        let fresh = same
            .iter()
            .filter(as_predicted)
            .find(|(_, p)| !p.is_borne_out);
        let predicted = fresh.or_else(|| same.iter().find(as_predicted));
        let fragments = || {
            sighting
                .fragments_of()
                .and_then(|f| known(index.fragments.get(&f)?))
        };
        let fragments =
            || fragments().filter(|(_, p)| p.may_continue(record, sighting, &self.sayings));
        if let Some((serial, p)) = predicted.copied().or_else(fragments) {
            let said = self.sayings.get(p.said);
            return Some((serial, p.interface_contradiction(said, device, is_port)));
        }
        let about = same
            .iter()
            .find(|(_, p)| !p.is_borne_out && p.is_about(sighting));
        about.map(|(serial, p)| {
            let verdict = self.sayings.get(p.said).verdict;
            (*serial, Some(p.header_contradiction(verdict, seen)))
        })
    }

    /// The answer or error that the path itself sent, each seen once.
    fn emission(&mut self, record: &Record, sighting: &Sighting) -> Option<Continuation> {
        if record.direction == Direction::In {
            return None;
        }
        let serials = self.index.as_mut()?.emitted.get_mut(&sighting.emitted())?;
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
    fn add(&mut self, serial: u64, of: &Prediction) {
        if let Some(identity) = of.identity {
            self.identity.entry(identity).or_default().push(serial);
        }
        if let Some(fragments) = of.fragments() {
            self.fragments.insert(fragments, serial);
        }
        for &emitted in of.emitted() {
            self.emitted.entry(emitted).or_default().push(serial);
        }
    }

    fn remove(&mut self, serial: u64, of: &Prediction) {
        if let Some(identity) = of.identity {
            remove(&mut self.identity, &identity, serial);
        }
        for emitted in of.emitted() {
            remove(&mut self.emitted, emitted, serial);
        }
        if let Some(fragments) = of.fragments()
            && self.fragments.get(&fragments) == Some(&serial)
        {
            self.fragments.remove(&fragments);
        }
    }
}

/// What the path itself sent, as far as it left.
fn emitted(outcome: &Outcome) -> SmallVec<[Emitted; 1]> {
    let left = outcome.emitted.iter().filter_map(|e| e.left.as_ref());
    left.map(|(packet, _)| {
        let place = transport::place(packet);
        Emitted {
            transport: transport::transport(packet),
            tcp_flags: tcp_flags(packet, place),
        }
    })
    .collect()
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
}

impl Prediction {
    fn fragments(&self) -> Option<FragmentsOf> {
        let (leaves, id) = (self.leaves?, self.fragments_id?);
        Some(FragmentsOf {
            source: leaves.source,
            destination: leaves.destination,
            protocol: leaves.protocol,
            id,
        })
    }

    fn emitted(&self) -> &[Emitted] {
        self.more.as_ref().map_or(&[], |more| &more.emitted)
    }

    /// The translation that it shows.
    fn told_nat(&self) -> Option<NatView> {
        let (before, after) = (self.came, self.leaves?);
        (before != after).then_some(NatView { before, after })
    }

    /// What continuations of its frame take over.
    fn decision(&self, sayings: &Sayings) -> Decision {
        Decision {
            said: *sayings.get(self.said),
            flow: self.flow,
            nat: match self.more.as_ref().map(|more| more.nat) {
                Some(Nat::Other(nat)) => nat,
                Some(Nat::Told) | None => self.told_nat(),
            },
        }
    }

    /// An outbound frame continues one that came in, or one that was made here and seen on another interface; on the
    /// loopback device the copy that comes back in continues the one that went out.
    fn may_continue(&self, record: &Record, sighting: &Sighting, sayings: &Sayings) -> bool {
        let interface = sayings.get(self.said).interface;
        match (self.direction, record.direction) {
            (Direction::In, Direction::Out) => true,
            (Direction::Out, Direction::Out) if interface != record.interface => true,
            (Direction::Out, _) => {
                record.interface == Device::Named(InterfaceName::loopback())
                    && interface == record.interface
                    && (self.hint, sighting.hint) == (Some(Direction::Out), Some(Direction::In))
            }
            (Direction::In, Direction::In) => false,
        }
    }

    /// Whether a packet of the same identity can be this one, wrongly predicted: an IP id makes it so, else one end must
    /// be the same. What was translated on its way through was routed, and has a hop less than it came with: a packet of
    /// the host's own may look the same but for that.
    fn is_about(&self, sighting: &Sighting) -> bool {
        let seen = &sighting.transport;
        if self.direction == Direction::In && self.came != *seen && self.hops == sighting.hops {
            return false;
        }
        let one_end = |t: &Transport| t.source == seen.source || t.destination == seen.destination;
        let leaves = self.leaves.as_ref().is_some_and(one_end);
        sighting.identity.id != 0 || one_end(&self.came) || leaves
    }

    fn interface_contradiction(
        &self,
        said: &Saying,
        seen: Device,
        is_port: impl Fn(Device, Device) -> bool,
    ) -> Option<Contradiction> {
        self.leaves?;
        let predicted = said.out_device;
        let known = matches!((predicted, seen), (Device::Named(_), Device::Named(_)));
        (known && predicted != seen && !is_port(predicted, seen))
            .then_some(Contradiction::Interface { predicted, seen })
    }

    fn header_contradiction(&self, verdict: Verdict, seen: Transport) -> Contradiction {
        match self.leaves {
            Some(predicted) => Contradiction::Header { predicted, seen },
            None => Contradiction::Left { verdict },
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
