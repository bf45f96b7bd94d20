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
use netverdict_net::{Device, Family, InterfaceName, Packet, Protocol, Timestamp, header};

use crate::Record;
use crate::record::{Contradiction, Evidence};
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
    /// The record that continuations take over.
    record: Record,
}

/// An earlier frame that a later one is about.
#[derive(Debug)]
pub(crate) struct Continuation {
    pub(crate) evidence: Evidence,
    /// What was said of the packet that goes on; `None` for one that the path itself sent.
    pub(crate) record: Option<Record>,
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
    predictions: HashMap<u64, Prediction, FixedState>,
    by_identity: HashMap<Identity, Vec<u64>, FixedState>,
    by_fragments: HashMap<FragmentsOf, u64, FixedState>,
    /// What the path itself sent: REJECT's answers, ICMP errors.
    emitted: HashMap<Emitted, Vec<u64>, FixedState>,
    /// Serial numbers in order of time, with what must be forgotten with them.
    order: VecDeque<(Timestamp, u64, Keys)>,
    next: u64,
}

#[derive(Debug, Default)]
struct Keys {
    identity: Option<Identity>,
    fragments: Option<FragmentsOf>,
    emitted: Option<Emitted>,
}

impl Sighting {
    /// Looks at a packet.
    pub(crate) fn of(packet: &Packet<'_>, hint: Option<Direction>) -> Self {
        let place = transport::place(packet);
        let id = id(packet, place);
        let transport = transport::transport(packet);
        Self {
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
            predictions: HashMap::default(),
            by_identity: HashMap::default(),
            by_fragments: HashMap::default(),
            emitted: HashMap::default(),
            order: VecDeque::new(),
            next: 0,
        }
    }

    /// Keeps what the model said of a frame, if it can have a continuation.
    pub(crate) fn predict(&mut self, record: &Record, sighting: &Sighting, outcome: &Outcome) {
        let delivered = outcome.fate == EngineFate::Local && record.direction == Direction::In;
        let may_continue = !delivered && outcome.fate != EngineFate::Held;
        if !may_continue && outcome.emitted.is_empty() {
            return;
        }
        let leaves = outcome.egress.as_ref().filter(|_| may_continue);
        let prediction = Prediction {
            came: sighting.transport,
            hint: sighting.hint,
            leaves: leaves.map(|egress| (transport::transport(egress), outcome.out_device)),
            is_borne_out: false,
            record: record.clone(),
        };
        let serial = self.next;
        self.next += 1;
        let mut keys = Keys::default();
        if may_continue {
            self.by_identity
                .entry(sighting.identity)
                .or_default()
                .push(serial);
            keys.identity = Some(sighting.identity);
        }
        if let Some(fragments) = leaves.filter(|e| e.len() > MAY_FRAGMENT).map(fragments_of) {
            self.by_fragments.insert(fragments, serial);
            keys.fragments = Some(fragments);
        }
        if let Some(emission) = outcome.emitted.first() {
            let place = transport::place(&emission.packet);
            let emitted = Emitted::of(
                &emission.packet,
                place,
                transport::transport(&emission.packet),
            );
            self.emitted.entry(emitted).or_default().push(serial);
            keys.emitted = Some(emitted);
        }
        self.predictions.insert(serial, prediction);
        self.order.push_back((record.time, serial, keys));
        if self.order.len() > CAPACITY {
            self.forget_first();
        }
    }

    /// Drops predictions that are too old to be continued at `now`.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while self
            .order
            .front()
            .is_some_and(|(time, ..)| now - *time > WINDOW)
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some((_, serial, keys)) = self.order.pop_front() else {
            return;
        };
        self.predictions.remove(&serial);
        if let Some(identity) = keys.identity {
            remove(&mut self.by_identity, &identity, serial);
        }
        if let Some(emitted) = keys.emitted {
            remove(&mut self.emitted, &emitted, serial);
        }
        if let Some(fragments) = keys.fragments
            && self.by_fragments.get(&fragments) == Some(&serial)
        {
            self.by_fragments.remove(&fragments);
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
        let Some((serial, contradiction)) = self.find(record, sighting, is_port) else {
            return self.emission(record, sighting);
        };
        let prediction = self.predictions.get_mut(&serial)?;
        prediction.is_borne_out |= contradiction.is_none();
        Some(Continuation {
            evidence: Evidence {
                of: prediction.record.frame,
                contradiction,
            },
            record: Some(prediction.record.clone()),
        })
    }

    fn find(
        &self,
        record: &Record,
        sighting: &Sighting,
        is_port: impl Fn(Device, Device) -> bool,
    ) -> Option<(u64, Option<Contradiction>)> {
        let seen = sighting.transport;
        let device = record.interface;
        let known = |serial: &u64| Some((*serial, self.predictions.get(serial)?));
        let same = self
            .by_identity
            .get(&sighting.identity)
            .into_iter()
            .flatten();
        let same: Vec<_> = same
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
                .and_then(|f| known(self.by_fragments.get(&f)?))
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
        let serials = self.emitted.get_mut(&sighting.emitted)?;
        let serial = (!serials.is_empty()).then(|| serials.remove(0))?;
        let of = self.predictions.get(&serial)?.record.frame;
        Some(Continuation {
            evidence: Evidence {
                of,
                contradiction: None,
            },
            record: None,
        })
    }
}

impl Prediction {
    /// An outbound frame continues one that came in, or one that was made here and seen on another interface; on the
    /// loopback device the copy that comes back in continues the one that went out.
    fn may_continue(&self, record: &Record, sighting: &Sighting) -> bool {
        let earlier = &self.record;
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
                verdict: self.record.verdict,
            },
        }
    }
}

fn fragments_of(egress: &Packet<'static>) -> FragmentsOf {
    let place = transport::place(egress);
    FragmentsOf {
        source: egress.source(),
        destination: egress.destination(),
        protocol: place.protocol,
        id: id(egress, place),
    }
}

fn remove<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, Vec<u64>, FixedState>,
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
