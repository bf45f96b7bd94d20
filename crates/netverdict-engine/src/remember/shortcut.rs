//! Taking a remembered path in place of a walk, and remembering one.

use netverdict_net::Packet;
use netverdict_ruleset::NatSide;

use super::{Path, PathId, Plain, Terms};
use crate::conntrack::{Direction, Pretracked, Status, Tuple, Zone};
use crate::context::Now;
use crate::engine::Engine;
use crate::walk::End;
use crate::{
    Checksums, Connection, Entry, Fate, FlowId, Input, NatView, Outcome, Reason, Sum, Transport,
    Vantage, nat, path,
};

/// How far a shortcut led.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the largest is the usual one, which must not allocate"
)]
pub(crate) enum Shortcut {
    /// To the end.
    Taken(Outcome),
    /// Tracking has judged the packet, which must walk for all else.
    Tracked(Pretracked),
    /// Nowhere: nothing was changed.
    None,
}

impl Engine {
    /// Takes the path that the packet's connection remembers, if the packet meets its terms.
    pub(crate) fn shortcut(&mut self, input: &Input<'_>, sum: Sum, now: Now) -> Shortcut {
        let packet = &input.packet;
        let Some((plain, id, direction, path)) = self.remembered(input, now) else {
            return Shortcut::None;
        };
        let terms_met = self.paths.get(path).is_some_and(|path| {
            let at = Vantage {
                entry: input.entry,
                packet_type: packet.link.packet_type,
            };
            let len = packet.len() as u32;
            path.terms.admit(&at, len, packet.tos(), plain)
                && !(path.rewrites && self.config.keep_egress)
        });
        let sound = self.config.checksums == Checksums::Trust || Plain::is_sealed(packet);
        if !terms_met || !sound {
            return Shortcut::None;
        }
        let trusted = self.trusts(input.entry) || sum == Sum::Pending;
        let looks = matches!(input.entry, Entry::Prerouting { .. }) && !trusted;
        let tracked = self.state.conntrack.track_found(
            packet,
            plain.at,
            (id, direction),
            (looks, sum == Sum::Right),
            now.jiffies,
        );
        match self.follow(input, tracked, path, direction) {
            Some(outcome) => Shortcut::Taken(outcome),
            None => Shortcut::Tracked(tracked),
        }
    }

    /// The packet's connection and the path that it remembers.
    fn remembered(
        &mut self,
        input: &Input<'_>,
        now: Now,
    ) -> Option<(Plain, crate::CtId, Direction, PathId)> {
        let packet = &input.packet;
        let plain = Plain::of(packet)?;
        let tuple = Tuple::of_packet(packet, packet.family(), 0, plain.at).ok()?;
        let conntrack = &mut self.state.conntrack;
        let (id, direction) = conntrack.find(&tuple, Zone::default(), now.jiffies)?;
        let path = conntrack.entry(id)?.memo.paths[direction.index()]?;
        Some((plain, id, direction, path))
    }

    fn follow(
        &mut self,
        input: &Input<'_>,
        tracked: Pretracked,
        path: PathId,
        direction: Direction,
    ) -> Option<Outcome> {
        let len = input.packet.len();
        let Arrived { id, nat, .. } = self.arrive(tracked, path, direction, len)?;
        let flow = self.flow_of(id);
        let path = self.paths.get(path)?;
        let egress = self
            .config
            .keep_egress
            .then(|| egress(&input.packet, path, nat))
            .flatten();
        Some(Outcome {
            flow,
            nat,
            len: len as u32,
            egress,
            ..path.outcome()
        })
    }

    /// Counts what a packet counts at the end of a path, if its connection meets the path's terms.
    pub(crate) fn arrive(
        &mut self,
        tracked: Pretracked,
        path: PathId,
        direction: Direction,
        len: usize,
    ) -> Option<Arrived> {
        let Connection::Tracked { id, info } = tracked.connection else {
            return None;
        };
        let path = self.paths.get(path)?;
        let entry = self.state.conntrack.entry(id)?;
        if !path.terms.hold(entry, info) {
            return None;
        }
        let nat = match path.mapped {
            [false, false] => None,
            mapped => {
                let before = entry.tuple(direction).transport();
                let after = mapping(entry.tuple(direction.other()), before, mapped)?;
                (before != after).then_some(NatView { before, after })
            }
        };
        for place in &path.counters {
            self.state.counters.add(*place as usize, len);
        }
        Some(Arrived {
            id,
            nat,
            fate: path.end.fate,
        })
    }

    /// The number of a confirmed connection's flow.
    fn flow_of(&mut self, id: crate::CtId) -> Option<FlowId> {
        if !self.config.number_flows {
            return None;
        }
        let entry = self.state.conntrack.entry(id)?;
        if entry.memo.flow != 0 && entry.memo.epoch == self.state.flows.epoch() {
            return Some(FlowId(entry.memo.flow));
        }
        let (ends, serial) = (entry.original().transport(), entry.serial());
        let known = entry.memo.flow();
        let flow = self.state.flows.number(ends, Some(serial), known);
        let epoch = self.state.flows.epoch();
        if let Some(entry) = self.state.conntrack.entry_mut(id) {
            entry.memo.number(flow, epoch);
        }
        Some(flow)
    }

    /// Remembers the path of a packet that walked to its end.
    pub(crate) fn remember(&mut self, input: &Input<'_>, walked: Footprint<'_>) {
        let Some((id, direction, path)) = self.path_of(input, walked) else {
            return;
        };
        if let Some(number) = self.paths.number(path)
            && let Some(entry) = self.state.conntrack.entry_mut(id)
        {
            entry.memo.paths[direction.index()] = Some(number);
        }
    }

    fn path_of(
        &self,
        input: &Input<'_>,
        walked: Footprint<'_>,
    ) -> Option<(crate::CtId, Direction, Path)> {
        let Footprint {
            connection,
            asked,
            end,
            before,
            after,
            trail,
            devices: [in_device, out_device],
            mark,
        } = walked;
        // The path's own reasons to drop come with answers, which have limits of their own.
        let is_plain = end.by.reason.is_none_or(|why| why == Reason::NoTable);
        if !asked.is_on() || !is_plain || !trail.emitted.is_empty() {
            return None;
        }
        let Connection::Tracked { id, info } = connection else {
            return None;
        };
        let conntrack = &self.state.conntrack;
        let entry = conntrack.entry(id)?;
        let stays = conntrack.table.is_linked(id) && !entry.status.contains(Status::DYING);
        let helped = entry.helper().is_some() || entry.status.contains(Status::SEQ_ADJUST);
        if !stays || helped || entry.mark != asked.mark {
            return None;
        }
        let plain = Plain::of(&input.packet)?;
        let direction = if info.is_reply() {
            Direction::Reply
        } else {
            Direction::Original
        };
        let mapped = mapped(entry.tuple(direction.other()), before, after)?;
        let terms = Terms::new(input.entry, &input.packet, plain, asked, (entry, info));
        let path = Path {
            terms,
            counters: asked.counters.as_slice().into(),
            end,
            hook: trail.hook,
            state: trail.state,
            in_device,
            out_device,
            mark,
            mapped,
            rewrites: asked.rewrites,
        };
        Some((id, direction, path))
    }
}

/// A packet at the end of a remembered path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    id: crate::CtId,
    pub(crate) nat: Option<NatView>,
    pub(crate) fate: Fate,
}

/// What a walk leaves to be remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint<'w> {
    pub(crate) connection: Connection,
    pub(crate) asked: &'w super::Recorder,
    pub(crate) end: End,
    pub(crate) before: Transport,
    pub(crate) after: Transport,
    pub(crate) trail: &'w crate::walk::Trail,
    pub(crate) devices: [netverdict_net::Device; 2],
    pub(crate) mark: u32,
}

/// The header of a packet whose source or destination, or both, are mapped; `other` is the tuple of the answers.
fn mapping(
    other: &Tuple,
    mut before: Transport,
    [source, destination]: [bool; 2],
) -> Option<Transport> {
    let target = other.invert()?.transport();
    if source {
        (before.source, before.source_port) = (target.source, target.source_port);
    }
    if destination {
        let end = (target.destination, target.destination_port);
        (before.destination, before.destination_port) = end;
    }
    Some(before)
}

/// Which ends are mapped; `None` where the header changed in another way.
fn mapped(other: &Tuple, before: Transport, after: Transport) -> Option<[bool; 2]> {
    let source = (before.source, before.source_port) != (after.source, after.source_port);
    let destination = (before.destination, before.destination_port)
        != (after.destination, after.destination_port);
    let sides = [source, destination];
    (mapping(other, before, sides)? == after).then_some(sides)
}

/// The packet as it leaves.
fn egress(packet: &Packet<'_>, path: &Path, nat: Option<NatView>) -> Option<Packet<'static>> {
    if !matches!(path.end.fate, Fate::Local | Fate::Forwarded | Fate::Sent) {
        return None;
    }
    let mut packet = packet.clone().into_owned();
    let target = nat.map(|NatView { after, .. }| Tuple::of(&after));
    let [source, destination] = path.mapped;
    if let Some(target) = target.filter(|_| destination) {
        nat::rewrite_header(&mut packet, &target, NatSide::Destination)?;
    }
    if path.end.fate == Fate::Forwarded {
        path::lower_ttl(&mut packet);
    }
    if let Some(target) = target.filter(|_| source) {
        nat::rewrite_header(&mut packet, &target, NatSide::Source)?;
    }
    Some(packet)
}
