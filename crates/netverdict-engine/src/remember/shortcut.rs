//! Taking a remembered path in place of a walk.

use netverdict_net::Packet;
use netverdict_ruleset::NatSide;

use super::{Arriving, Likeness, Path, PathId};
use crate::conntrack::{
    Direction, Entry as Known, Handled, Link, Opened, Pretracked, Tuple, track_glance,
};
use crate::context::Now;
use crate::engine::Engine;
use crate::glance::{Foreseen, Glance, Tried};
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

/// A packet at the end of a remembered path. So small that it is told in registers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrived {
    pub(crate) path: PathId,
    /// Its connection, and which way it flows there; `None` of one that was gone with it.
    flow: Option<Link>,
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
        let foreseen = Foreseen {
            hash: self.state.conntrack.table.hash(glance.tuple()),
            link: None,
        };
        let mut tried = Tried::default();
        match self.lead(&glance, foreseen, (packet.captured(), &at), now, &mut tried) {
            Some(arrived) => {
                let outcome = self.tell(packet, &glance, arrived);
                outcome.map_or(Shortcut::None, Shortcut::Taken)
            }
            None => tried.0.map_or(Shortcut::None, Shortcut::Tracked),
        }
    }

    /// Leads a packet that was looked at along a remembered path: its connection's own, else one that its like took. `None`
    /// where it must walk; if tracking has judged it by then, what it said is in `tried`.
    #[inline]
    pub(crate) fn lead(
        &mut self,
        glance: &Glance,
        Foreseen { hash, link }: Foreseen,
        (packet, at): (&[u8], &Vantage),
        now: Now,
        tried: &mut Tried,
    ) -> Option<Arrived> {
        let trusted = self.trusts(at.entry) || glance.sum == Sum::Pending;
        let sound = glance.is_sealed || self.config.checksums == Checksums::Trust;
        if self.config.plain || !(trusted || glance.is_right()) || !sound {
            return None;
        }
        let arriving = glance.arriving(at);
        let options = glance.options(packet);
        let table = &mut self.state.conntrack.table;
        let Some(found) = table.find_hashed(glance.tuple(), (hash, link), now.jiffies) else {
            return self.lead_first(glance, options, &arriving, now);
        };
        let (id, direction) = found;
        let (entry, settings) = self.state.conntrack.entry_under(id)?;
        if glance.may_end(entry) {
            return None;
        }
        let own = entry.paths[direction.index()];
        let own = own.and_then(|number| Some((number, self.paths.get(number)?)));
        let own = own.filter(|(_, path)| path.admits(&arriving, self.config.keep_egress));
        let Some((number, path)) = own else {
            let packet = (glance, options);
            return self.lead_untried(found, packet, &arriving, (trusted, now), tried);
        };
        let (handled, info) =
            track_glance(entry, direction, (glance, options), now.jiffies, settings);
        if matches!(handled, Handled::Accept(_)) && path.terms.hold(entry, info) {
            path.count(&mut self.state.counters, glance.len as usize);
            return Some(Arrived {
                path: number,
                flow: Some(Link::new(id, direction)),
            });
        }
        let looks = self.looks(at.entry, trusted);
        let tracked = Pretracked::of(handled, id, info, looks);
        let likeness = self.likeness(found, &arriving);
        self.lead_alike(tracked, (direction, likeness), glance, &arriving, tried)
    }

    /// Whether tracking looks at the checksum of a packet, which is trusted or not.
    const fn looks(&self, entry: Entry, trusted: bool) -> bool {
        matches!(entry, Entry::Prerouting { .. })
            && !trusted
            && self.state.conntrack.settings.checksum
    }

    /// Leads one whose connection remembers no path for it along one that its like took.
    #[inline(never)]
    fn lead_untried(
        &mut self,
        (id, direction): (CtId, Direction),
        (glance, options): (&Glance, &[u8]),
        arriving: &Arriving<'_>,
        (trusted, now): (bool, Now),
        tried: &mut Tried,
    ) -> Option<Arrived> {
        let likeness = self.likeness((id, direction), arriving);
        self.alike(likeness, arriving).next()?;
        let looks = self.looks(arriving.at.entry, trusted);
        let (entry, settings) = self.state.conntrack.entry_under(id)?;
        let (handled, info) =
            track_glance(entry, direction, (glance, options), now.jiffies, settings);
        let tracked = Pretracked::of(handled, id, info, looks);
        self.lead_alike(tracked, (direction, likeness), glance, arriving, tried)
    }

    /// Leads one that tracking has seen along a path that its like took.
    #[inline(never)]
    fn lead_alike(
        &mut self,
        tracked: Pretracked,
        (direction, likeness): (Direction, Option<Likeness>),
        glance: &Glance,
        arriving: &Arriving<'_>,
        tried: &mut Tried,
    ) -> Option<Arrived> {
        *tried = Tried(Some(tracked));
        let Connection::Tracked { id, .. } = tracked.connection else {
            return None;
        };
        let entry = self.state.conntrack.entry(id)?;
        let arrived = self.alike(likeness, arriving).find_map(|number| {
            let path = self.paths.get(number)?;
            arrive(tracked, (number, path), entry, direction)
        })?;
        let path = self.paths.get(arrived.path)?;
        path.count(&mut self.state.counters, glance.len as usize);
        self.note_path(id, direction, arrived.path);
        Some(arrived)
    }

    /// The same of one that has no connection.
    #[inline(never)]
    fn lead_first(
        &mut self,
        glance: &Glance,
        options: &[u8],
        arriving: &Arriving<'_>,
        now: Now,
    ) -> Option<Arrived> {
        let classes = self.classes(glance.tuple().family, arriving.at.entry)?;
        let likeness = Likeness::of(glance.tuple(), classes);
        let mut alike = self.shared.opening(&likeness).iter().copied();
        let number = alike.find(|number| self.admits(*number, arriving))?;
        let path = self.paths.get(number)?;
        let conntrack = &mut self.state.conntrack;
        let opened = path
            .opening
            .map(|opening| conntrack.open(glance, options, opening, now.jiffies));
        let flow = match opened {
            Some(Opened::Entered(id)) => Some(Link::new(id, Direction::Original)),
            Some(Opened::Not) => return None,
            // Gone again, or nothing is tracked.
            Some(Opened::Gone) | None => None,
        };
        path.count(&mut self.state.counters, glance.len as usize);
        Some(Arrived { path: number, flow })
    }

    /// Whether a packet that tracking has not seen yet may take a path.
    fn admits(&self, number: PathId, arriving: &Arriving<'_>) -> bool {
        let path = self.paths.get(number);
        path.is_some_and(|path| path.admits(arriving, self.config.keep_egress))
    }

    /// What a packet of a connection has in common with others.
    fn likeness(
        &self,
        (id, direction): (CtId, Direction),
        arriving: &Arriving<'_>,
    ) -> Option<Likeness> {
        let entry = self.state.conntrack.entry(id)?;
        let classes = self.classes(entry.family(), arriving.at.entry)?;
        Likeness::within(entry, direction, classes)
    }

    /// The paths that a packet may take since its like took them.
    fn alike(
        &self,
        likeness: Option<Likeness>,
        arriving: &Arriving<'_>,
    ) -> impl Iterator<Item = PathId> {
        let known = likeness.map(|likeness| self.shared.within(&likeness));
        let known = known.unwrap_or_default().iter().copied();
        known.filter(|number| self.admits(*number, arriving))
    }

    /// What is said of a packet that arrived.
    fn tell(&mut self, packet: &Packet<'_>, glance: &Glance, arrived: Arrived) -> Option<Outcome> {
        let nat = self.translation(arrived);
        let flow = self.flow_at(arrived, glance);
        let path = self.paths.get(arrived.path)?;
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

    /// How the header changed of a packet that arrived just now.
    pub(crate) fn translation(&self, arrived: Arrived) -> Option<NatView> {
        let path = self.paths.get(arrived.path)?;
        let flow = arrived.flow.filter(|_| path.mapped != [false; 2])?;
        let (id, direction) = (flow.id(), flow.direction());
        let entry = self.state.conntrack.entry(id)?;
        let before = entry.tuple(direction).transport();
        let after = mapping(entry.tuple(direction.other()), before, path.mapped)?;
        (before != after).then_some(NatView { before, after })
    }

    /// The number of the flow of a packet that arrived just now.
    #[inline]
    pub(crate) fn flow_at(&mut self, arrived: Arrived, glance: &Glance) -> Option<FlowId> {
        match arrived.flow {
            Some(flow) => self.flow_of(flow.id()),
            None => self
                .config
                .number_flows
                .then(|| self.state.flows.number(glance.transport(), None, None)),
        }
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

/// Where a packet arrives that takes a path, if its connection, which tracking has seen now, meets the path's terms.
#[inline]
fn arrive(
    tracked: Pretracked,
    (number, path): (PathId, &Path),
    entry: &Known,
    direction: Direction,
) -> Option<Arrived> {
    let Connection::Tracked { id, info } = tracked.connection else {
        return None;
    };
    if !path.terms.hold(entry, info) {
        return None;
    }
    Some(Arrived {
        path: number,
        flow: Some(Link::new(id, direction)),
    })
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
