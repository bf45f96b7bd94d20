//! Taking a remembered path in place of a walk.

use netverdict_net::Packet;
use netverdict_ruleset::NatSide;

use super::{Arriving, Likeness, Path, PathId};
use crate::conntrack::{Direction, Opened, Pretracked, Tuple, Zone};
use crate::context::Now;
use crate::engine::Engine;
use crate::glance::Glance;
use crate::{
    Checksums, Connection, CtId, Entry, Fate, FlowId, Input, NatView, Outcome, Sum, Transport,
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

/// How far remembered paths led a packet.
#[derive(Debug)]
pub(crate) enum Led {
    /// To the end.
    Arrived(Arrived),
    /// Tracking has judged it; no path goes on from there.
    Tracked(Pretracked),
    /// Nowhere: nothing was changed.
    Nowhere,
}

/// A packet at the end of a remembered path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    pub(crate) path: PathId,
    /// Its connection; `None` of one that was gone with it.
    id: Option<CtId>,
    pub(crate) nat: Option<NatView>,
    pub(crate) fate: Fate,
}

impl Engine {
    /// Takes a remembered path in place of a walk, if there is one for the packet.
    pub(crate) fn shortcut(&mut self, input: &Input<'_>, sum: Sum, now: Now) -> Shortcut {
        let packet = &input.packet;
        let Some(glance) = Glance::with(packet, sum) else {
            return Shortcut::None;
        };
        let at = Vantage {
            entry: input.entry,
            packet_type: packet.link.packet_type,
        };
        match self.lead(&glance, packet.captured(), &at, now) {
            Led::Arrived(arrived) => {
                let outcome = self.tell(packet, &glance, arrived);
                outcome.map_or(Shortcut::None, Shortcut::Taken)
            }
            Led::Tracked(tracked) => Shortcut::Tracked(tracked),
            Led::Nowhere => Shortcut::None,
        }
    }

    /// Leads a packet that was looked at along a remembered path: its connection's own, else one that its like took.
    pub(crate) fn lead(&mut self, glance: &Glance, packet: &[u8], at: &Vantage, now: Now) -> Led {
        let trusted = self.trusts(at.entry) || glance.sum == Sum::Pending;
        let sound = self.config.checksums == Checksums::Trust || glance.is_sealed;
        if self.config.plain || !(trusted || glance.is_right()) || !sound {
            return Led::Nowhere;
        }
        let arriving = glance.arriving(at);
        let options = glance.options(packet);
        let conntrack = &mut self.state.conntrack;
        let Some(found) = conntrack.find(glance.tuple(), Zone::default(), now.jiffies) else {
            return self.lead_first(glance, options, &arriving, now);
        };
        let (id, direction) = found;
        let Some(entry) = conntrack.entry(id).filter(|entry| !glance.may_end(entry)) else {
            return Led::Nowhere;
        };
        let own = entry.memo.paths[direction.index()];
        let own = own.filter(|number| self.admits(*number, &arriving));
        if own.is_none() && self.alike(found, &arriving).next().is_none() {
            return Led::Nowhere;
        }
        let looks = matches!(at.entry, Entry::Prerouting { .. }) && !trusted;
        let conntrack = &mut self.state.conntrack;
        let tracked = conntrack.track_glance(glance, options, found, looks, now.jiffies);
        let len = glance.len as usize;
        if let Some(number) = own
            && let Some(arrived) = self.arrive(tracked, number, direction, len)
        {
            return Led::Arrived(arrived);
        }
        let alike = self.alike(found, &arriving);
        let Some(number) = alike
            .into_iter()
            .find(|number| self.holds(tracked, *number))
        else {
            return Led::Tracked(tracked);
        };
        match self.arrive(tracked, number, direction, len) {
            Some(arrived) => {
                self.note_path(id, direction, number);
                Led::Arrived(arrived)
            }
            None => Led::Tracked(tracked),
        }
    }

    /// The same of one that has no connection.
    fn lead_first(
        &mut self,
        glance: &Glance,
        options: &[u8],
        arriving: &Arriving<'_>,
        now: Now,
    ) -> Led {
        let Some(classes) = self.classes(glance.tuple().family, arriving.at.entry) else {
            return Led::Nowhere;
        };
        let likeness = Likeness::of(glance.tuple(), classes);
        let mut alike = self.shared.opening(&likeness).iter().copied();
        let Some(number) = alike.find(|number| self.admits(*number, arriving)) else {
            return Led::Nowhere;
        };
        let Some((path, opening)) = self
            .paths
            .get(number)
            .and_then(|path| Some((path, path.opening?)))
        else {
            return Led::Nowhere;
        };
        let conntrack = &mut self.state.conntrack;
        let id = match conntrack.open(glance, options, opening, now.jiffies) {
            Opened::Entered(id) => Some(id),
            Opened::Gone => None,
            Opened::Not => return Led::Nowhere,
        };
        for place in &path.counters {
            let len = glance.len as usize;
            self.state.counters.add(*place as usize, len);
        }
        Led::Arrived(Arrived {
            path: number,
            id,
            nat: None,
            fate: path.end.fate,
        })
    }

    /// Whether a packet that tracking has not seen yet may take a path.
    fn admits(&self, number: PathId, arriving: &Arriving<'_>) -> bool {
        let path = self.paths.get(number);
        path.is_some_and(|path| path.admits(arriving, self.config.keep_egress))
    }

    /// The paths that a packet of a connection may take since its like took them.
    fn alike(
        &self,
        (id, direction): (CtId, Direction),
        arriving: &Arriving<'_>,
    ) -> impl Iterator<Item = PathId> {
        let entry = self.state.conntrack.entry(id);
        let likeness = entry.and_then(|entry| {
            let classes = self.classes(entry.family(), arriving.at.entry)?;
            Likeness::within(entry, direction, classes)
        });
        let known = likeness.map(|likeness| self.shared.within(&likeness));
        let known = known.unwrap_or_default().iter().copied();
        known.filter(|number| self.admits(*number, arriving))
    }

    /// Whether a packet's connection, which tracking has seen now, meets a path's terms.
    fn holds(&self, tracked: Pretracked, number: PathId) -> bool {
        let Connection::Tracked { id, info } = tracked.connection else {
            return false;
        };
        let entry = self.state.conntrack.entry(id);
        let path = self.paths.get(number);
        entry
            .zip(path)
            .is_some_and(|(entry, path)| path.terms.hold(entry, info))
    }

    /// What is said of a packet that arrived.
    fn tell(
        &mut self,
        packet: &Packet<'_>,
        glance: &Glance,
        Arrived { path, id, nat, .. }: Arrived,
    ) -> Option<Outcome> {
        let flow = match id {
            Some(id) => self.flow_of(id),
            None => self
                .config
                .number_flows
                .then(|| self.state.flows.number(glance.transport(), None, None)),
        };
        let path = self.paths.get(path)?;
        let egress = self
            .config
            .keep_egress
            .then(|| egress(packet, path, nat))
            .flatten();
        Some(Outcome {
            flow,
            nat,
            len: glance.len,
            egress,
            ..path.outcome()
        })
    }

    /// Counts what a packet counts at the end of a path, if its connection meets the path's terms.
    fn arrive(
        &mut self,
        tracked: Pretracked,
        number: PathId,
        direction: Direction,
        len: usize,
    ) -> Option<Arrived> {
        let Connection::Tracked { id, info } = tracked.connection else {
            return None;
        };
        let path = self.paths.get(number)?;
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
            path: number,
            id: Some(id),
            nat,
            fate: path.end.fate,
        })
    }

    /// The number of a confirmed connection's flow.
    fn flow_of(&mut self, id: CtId) -> Option<FlowId> {
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
}

/// The header of a packet whose source or destination, or both, are mapped; `other` is the tuple of the answers.
pub(super) fn mapping(
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
