//! Network address translation (net/netfilter/nf_nat_core.c, nf_nat_proto.c): when a chain is asked, what a target sets
//! up, and how packets are rewritten.

mod address;
mod follow;
mod icmp;
mod rewrite;
mod targets;
mod unique;

pub(crate) use follow::follow;
pub(crate) use targets::{Mapped, masquerade, netmap, redirect};

use netverdict_host::Host;
use netverdict_net::{AddrRange, Device, Family, InterfaceName, Packet, Protocol};
use netverdict_ruleset::targets::NatRange;
use netverdict_ruleset::{Hook, NatSide};

use crate::conntrack::{Conntrack, Direction, Entry, Status, Tuple, ip, skip_extensions};
use crate::context::Now;
use crate::state::Random;
use crate::{Connection, CtId, CtInfo, Reason, Skb};

/// What NAT is given beside the packet and the connections.
#[derive(Debug)]
pub(crate) struct NatCx<'c> {
    pub(crate) hook: Hook,
    pub(crate) side: NatSide,
    pub(crate) now: Now,
    pub(crate) host: &'c Host,
    pub(crate) random: &'c mut Random,
}

/// What a nat hook does with a packet before any rule is asked (`nf_nat_inet_fn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NatStep {
    /// The packet goes on untouched.
    Skip(&'static str),
    /// The chain is not asked, the connection's mapping is applied (ICMP errors about it included); why not asked.
    Translate(&'static str),
    /// The chain is asked for a mapping of this side.
    Consult,
    /// The packet is dropped.
    Drop(Reason),
}

/// How a mapping came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Rules, host and packets so far determine it.
    Determined,
    /// The kernel draws it at random.
    Random,
}

/// The status bit of a side whose mapping was decided.
pub(crate) const fn done(side: NatSide) -> Status {
    match side {
        NatSide::Source => Status::SRC_NAT_DONE,
        NatSide::Destination => Status::DST_NAT_DONE,
    }
}

const fn translated(side: NatSide) -> Status {
    match side {
        NatSide::Source => Status::SRC_NAT,
        NatSide::Destination => Status::DST_NAT,
    }
}

const fn direction(info: CtInfo) -> Direction {
    if info.is_reply() {
        Direction::Reply
    } else {
        Direction::Original
    }
}

/// Decides what happens to the packet at a nat hook.
pub(crate) fn step(conntrack: &mut Conntrack, skb: &Skb<'_>, cx: &mut NatCx<'_>) -> NatStep {
    let side = cx.side;
    let Connection::Tracked { id, info } = skb.connection else {
        return NatStep::Skip("no connection");
    };
    let Some(entry) = conntrack.entry(id) else {
        return NatStep::Skip("no connection");
    };
    let opens = match info {
        CtInfo::Related | CtInfo::RelatedReply if is_icmp(skb) => {
            return NatStep::Translate("ICMP error about a connection");
        }
        CtInfo::New | CtInfo::Related | CtInfo::RelatedReply => true,
        CtInfo::Established | CtInfo::EstablishedReply => false,
    };
    if opens && !entry.status.contains(done(side)) {
        return NatStep::Consult;
    }
    if device_changed(entry, info, skb, cx) {
        conntrack.count(id, direction(info), skb.packet.len());
        conntrack.kill(id);
        return NatStep::Drop(Reason::NatFailed);
    }
    NatStep::Translate(if opens {
        "connection already mapped"
    } else {
        "connection established"
    })
}

/// A masqueraded connection that leaves by another device than its address was taken from is over
/// (`nf_nat_oif_changed`).
fn device_changed(entry: &Entry, info: CtInfo, skb: &Skb<'_>, cx: &NatCx<'_>) -> bool {
    let chosen = entry.extra().and_then(|extra| extra.masquerade);
    cx.hook == Hook::Postrouting
        && !info.is_reply()
        && match (chosen, skb.out_device) {
            (Some(chosen), Device::Named(name)) => chosen != name,
            _ => false,
        }
}

fn is_icmp(skb: &Skb<'_>) -> bool {
    layer4(skb).is_some_and(|(protocol, _)| match skb.packet.family() {
        Family::V4 => protocol == Protocol::ICMP,
        Family::V6 => protocol == Protocol::ICMPV6,
    })
}

/// The protocol behind the packet's IP header and its offset.
fn layer4(skb: &Skb<'_>) -> Option<(Protocol, usize)> {
    let packet = &skb.packet;
    let next = netverdict_net::header::next_protocol(packet);
    match packet.family() {
        Family::V4 => Some((next, netverdict_net::header::network_header_len(packet))),
        Family::V6 => {
            let walk = skip_extensions(packet, next, 40).ok()?;
            Some((walk.layer4.protocol, walk.layer4.offset))
        }
    }
}

/// Gives the packet's new connection a mapping (`nf_nat_setup_info`). An entry that is already confirmed, or mapped on
/// this side, keeps what it has.
pub(crate) fn setup(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    range: &NatRange,
    cx: &mut NatCx<'_>,
) -> Result<Choice, Reason> {
    match skb.connection {
        Connection::Tracked { id, .. } => Ok(map(conntrack, skb, id, range, cx)),
        Connection::None | Connection::Untracked => Ok(Choice::Determined),
    }
}

fn map(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    id: CtId,
    range: &NatRange,
    cx: &mut NatCx<'_>,
) -> Choice {
    let side = cx.side;
    let fresh = conntrack
        .entry(id)
        .filter(|entry| !entry.is_confirmed() && !entry.status.contains(done(side)));
    let Some(current) = fresh.and_then(|entry| entry.reply().invert()) else {
        return Choice::Determined;
    };
    let mut search = unique::Search {
        conntrack,
        id,
        side,
        range,
        now: cx.now,
        random: &mut *cx.random,
        packet: &skb.packet,
        choice: Choice::Determined,
    };
    let chosen = search.choose(current);
    let choice = search.choice;
    if chosen != current
        && let (Some(reply), Some(entry)) = (chosen.invert(), conntrack.entry_mut(id))
    {
        entry.set_reply(reply);
        entry.status.insert(translated(side));
        let original = *entry.original();
        if let Some(split) = &conntrack.split {
            conntrack.is_coupled |= split.parts(&original, &reply);
        }
        conntrack.assign_helper(id);
    }
    if side == NatSide::Source {
        conntrack.table.add_source(id);
    }
    if let Some(entry) = conntrack.entry_mut(id) {
        entry.status.insert(done(side));
    }
    choice
}

/// Whether this side of the packet's connection is mapped by now.
pub(crate) fn is_mapped(conntrack: &Conntrack, skb: &Skb<'_>, side: NatSide) -> bool {
    conntrack
        .of(skb.connection)
        .is_some_and(|(entry, _)| entry.status.contains(done(side)))
}

/// The mapping of a connection for which no rule chose one: its own address, but another source port if the answer's
/// tuple is taken (`nf_nat_alloc_null_binding`).
pub(crate) fn null_binding(
    conntrack: &mut Conntrack,
    skb: &Skb<'_>,
    cx: &mut NatCx<'_>,
) -> Result<(), Reason> {
    let Some((entry, _)) = conntrack.of(skb.connection) else {
        return Ok(());
    };
    let reply = entry.reply();
    let own = match cx.side {
        NatSide::Source => reply.destination,
        NatSide::Destination => reply.source,
    };
    let address = ip(entry.family(), own);
    let range = NatRange {
        addresses: Some(AddrRange {
            start: address,
            end: address,
        }),
        ..NatRange::default()
    };
    setup(conntrack, skb, &range, cx).map(|_| ())
}

/// Rewrites the packet by its connection's mapping for this hook (`nf_nat_packet`, `nf_nat_icmp_reply_translation`).
/// The engine compares headers before and after for its events.
pub(crate) fn translate(
    conntrack: &mut Conntrack,
    skb: &mut Skb<'_>,
    cx: &mut NatCx<'_>,
) -> Result<(), Reason> {
    let side = cx.side;
    let Some((entry, info)) = conntrack.of(skb.connection) else {
        return Ok(());
    };
    let direction = direction(info);
    if matches!(info, CtInfo::Related | CtInfo::RelatedReply) && is_icmp(skb) {
        return icmp::translate(entry, skb, direction, cx);
    }
    if !entry.status.intersects(sought(side, direction)) {
        return Ok(());
    }
    let target = entry.tuple(direction.other()).invert();
    let target = target.ok_or(Reason::NatFailed)?;
    // `inet_proto_csum_replace16` takes the addresses for part of what `skb->csum` sums.
    skb.summed_with = None;
    rewrite::packet(&mut skb.packet, 0, &target, side).ok_or(Reason::NatFailed)
}

/// Gives a whole packet's header the target's address and layer-4 word of one side.
pub(crate) fn rewrite_header(packet: &mut Packet<'_>, target: &Tuple, side: NatSide) -> Option<()> {
    rewrite::packet(packet, 0, target, side)
}

/// Which translation of the connection a hook's side stands for, seen from a direction.
const fn sought(side: NatSide, direction: Direction) -> Status {
    match direction {
        Direction::Original => translated(side),
        Direction::Reply => translated(side).other_nat(),
    }
}

impl Conntrack {
    fn count(&mut self, id: CtId, direction: Direction, bytes: usize) {
        if let Some(entry) = self.entry_mut(id) {
            entry.count(direction, bytes);
        }
    }

    /// Remembers which device a connection's address was taken from.
    fn note_masquerade(&mut self, connection: Connection, device: InterfaceName) {
        if let Connection::Tracked { id, .. } = connection
            && let Some(entry) = self.entry_mut(id)
            && !entry.is_confirmed()
        {
            entry.extra_mut().masquerade = Some(device);
        }
    }
}

#[cfg(test)]
mod tests;
