//! The conntrack hook at PREROUTING and OUTPUT (`nf_conntrack_in`).

use netverdict_net::{Jiffies, Packet, Protocol};
use netverdict_ruleset::Hook;

use super::layer4::{self, Fault, Layer4};
use super::{Conntrack, Direction, Entry, Settings, Status, Template, Tuple, Zone};
use crate::answer;
use crate::glance::Glance;
use crate::{Connection, CtId, CtInfo, Reason, Skb};

/// What tracking did with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tracked {
    /// It goes on. Without a connection it is INVALID for this reason; a connection with a reason was not changed.
    Accept { why: Option<&'static str> },
    /// It goes on as INVALID because its capture lacks what the kernel would have read.
    Unread(&'static str),
    /// It is dropped.
    Drop(Reason),
}

impl From<Fault> for Tracked {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Invalid(why) => Self::Accept { why: Some(why) },
            Fault::Unread(why) => Self::Unread(why),
        }
    }
}

/// A packet on its way to its entry.
#[derive(Debug, Clone, Copy)]
struct Search<'s, 'p> {
    packet: &'s Packet<'p>,
    at: Layer4,
    tuple: &'s Tuple,
    zone: Zone,
    template: Option<&'s Template>,
    verify: bool,
    now: Jiffies,
}

/// What a layer-4 tracker says of a packet of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handled {
    /// It belongs to it; the text says why nothing was refreshed, where so.
    Accept(Option<&'static str>),
    /// It does not: INVALID.
    Fault(Fault),
    /// The connection is over: look the packet up again.
    Repeat,
    /// It belongs to it and ends it.
    Kill,
}

impl From<Fault> for Handled {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a layer-4 tracker is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cx<'c, 'p> {
    pub(super) packet: &'c Packet<'p>,
    pub(super) at: Layer4,
    pub(super) direction: Direction,
    /// Whether to verify layer-4 checksums.
    pub(super) verify: bool,
    pub(super) now: Jiffies,
    pub(super) settings: &'c Settings,
}

const ACCEPT: Tracked = Tracked::Accept { why: None };

/// What tracking said of a packet before it walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pretracked {
    pub(crate) tracked: Tracked,
    pub(crate) connection: Connection,
    /// Whether tracking proved its checksum.
    pub(crate) is_proven: bool,
    /// Whether tracking summed it.
    pub(crate) is_summed: bool,
}

impl Conntrack {
    /// Finds or makes the packet's connection and advances it (`nf_conntrack_in`, PREROUTING and OUTPUT at -200).
    /// Does nothing if the packet already has a connection or is untracked. Consumes `skb.template`.
    pub(crate) fn track(&mut self, skb: &mut Skb<'_>, hook: Hook, now: Jiffies) -> Tracked {
        if skb.connection != Connection::None {
            return ACCEPT;
        }
        let template = skb
            .template
            .take()
            .and_then(|number| self.template(number).cloned());
        let verify = self.verifies(skb, hook);
        let tracked = self.classify(skb, hook, template.as_ref(), now);
        // What is refused for another reason has had its checksum looked at before.
        if verify && !skb.checksum_proven && !matches!(skb.connection, Connection::Tracked { .. }) {
            skb.checksum_proven = is_sound(&skb.packet);
        }
        tracked.unwrap_or_else(Tracked::from)
    }

    /// Whether a packet's checksum is looked at here.
    fn verifies(&self, skb: &Skb<'_>, hook: Hook) -> bool {
        hook == Hook::Prerouting
            && self.settings.checksum
            && !skb.checksum_trusted
            && !skb.checksum_proven
    }

    fn classify(
        &mut self,
        skb: &mut Skb<'_>,
        hook: Hook,
        template: Option<&Template>,
        now: Jiffies,
    ) -> Result<Tracked, Fault> {
        let family = skb.packet.family();
        let at = layer4::find(&skb.packet, family, 0)?;
        let zone = template.map_or_else(Zone::default, |template| template.zone(skb.mark));
        let looks = self.verifies(skb, hook);
        let verify = looks && !skb.checksum_right;
        skb.summed |= looks && has_sum(at.protocol);
        if matches!(at.protocol, Protocol::ICMP | Protocol::ICMPV6) {
            let connection = self.track_error(&skb.packet, at, zone, verify, now)?;
            if connection != Connection::None {
                skb.connection = connection;
                skb.checksum_proven |= looks;
                return Ok(ACCEPT);
            }
        }
        let tuple = self.keyed(Tuple::of_packet(&skb.packet, family, 0, at)?);
        let found = self.table.find(&tuple, zone, now);
        let search = Search {
            packet: &skb.packet,
            at,
            tuple: &tuple,
            zone,
            template,
            verify,
            now,
        };
        let mut connection = skb.connection;
        let tracked = self.track_tuple(&search, found, &mut connection);
        skb.connection = connection;
        skb.checksum_proven |= looks && is_summed_whole(at.protocol, connection);
        tracked
    }

    fn track_tuple(
        &mut self,
        search: &Search<'_, '_>,
        mut found: Option<(CtId, Direction)>,
        connection: &mut Connection,
    ) -> Result<Tracked, Fault> {
        let Search {
            tuple, zone, now, ..
        } = *search;
        // A second round only after a closed connection made way, which cannot happen twice.
        for _ in 0..2 {
            let (id, direction) = match found {
                Some(found) => found,
                None => match self.create(tuple, zone, search.template, now)? {
                    Some(id) => (id, Direction::Original),
                    None => return Ok(Tracked::Drop(Reason::ConntrackFull)),
                },
            };
            let cx = Cx {
                packet: search.packet,
                at: search.at,
                direction,
                verify: search.verify,
                now,
                settings: self.policies.of(self.table.get(id), &self.settings),
            };
            let Some(entry) = self.table.get_mut(id) else {
                break;
            };
            let info = info(entry.status, direction);
            let handled = handle(entry, cx);
            if let Handled::Accept(_) | Handled::Kill = handled {
                *connection = Connection::Tracked { id, info };
                if info == CtInfo::EstablishedReply {
                    entry.status.insert(Status::SEEN_REPLY);
                }
            }
            match handled {
                Handled::Accept(why) => return Ok(Tracked::Accept { why }),
                Handled::Kill => {
                    self.kill(id);
                    return Ok(ACCEPT);
                }
                Handled::Fault(fault) => {
                    self.release_entry(id);
                    return Err(fault);
                }
                Handled::Repeat => {
                    self.kill(id);
                    self.release_entry(id);
                    found = self.table.find(tuple, zone, now);
                }
            }
        }
        Ok(ACCEPT)
    }

    /// The tuple with the source key of its call: enhanced GRE carries the receiver's only (`gre_pkt_to_tuple`).
    pub(super) fn keyed(&self, tuple: Tuple) -> Tuple {
        if tuple.protocol != Protocol::GRE || tuple.destination_port == 0 {
            return tuple;
        }
        let source_port = self.expectations.key_of(&tuple);
        Tuple {
            source_port,
            ..tuple
        }
    }

    /// A new connection beside the table (`init_conntrack`). `None` where the table is full.
    fn create(
        &mut self,
        tuple: &Tuple,
        zone: Zone,
        template: Option<&Template>,
        now: Jiffies,
    ) -> Result<Option<CtId>, Fault> {
        let reply = tuple
            .invert()
            .ok_or(Fault::Invalid("ICMP type that has no answer"))?;
        if !self.make_room(now) {
            return Ok(None);
        }
        let accounting = self.settings.accounting;
        let expected = self.expected(tuple, zone.id, now);
        let id = self
            .table
            .allocate(|serial| Entry::new(*tuple, reply, zone, accounting, serial));
        if let Some(policy) = template.and_then(|template| template.policy)
            && let Some(entry) = self.table.get_mut(id)
        {
            entry.extra_mut().policy = Some(policy);
        }
        if let Some(expectation) = expected {
            self.fulfil(id, &expectation);
        } else {
            if let Some(helper) = template.and_then(|template| template.helper)
                && let Some(entry) = self.table.get_mut(id)
            {
                entry.status.insert(Status::HELPER);
                entry.extra_mut().helper = Some((helper, helper.state()));
            }
            self.assign_helper(id);
        }
        Ok(Some(id))
    }

    /// Whether one more connection may be. A full table gives up one that is not assured: the kernel takes the first of
    /// eight buckets of its hash table (`early_drop`), whose order is secret; here it is the oldest, if the table is so
    /// dense that eight buckets are likely to hold any.
    pub(super) fn make_room(&mut self, now: Jiffies) -> bool {
        let max = self.settings.max;
        if max == 0 || self.table.count() < max {
            return true;
        }
        self.pressure.is_full = true;
        // As seldom as the kernel's own collector: to look for what expired takes the whole table.
        let second = self.settings.hz;
        let is_due = self.pressure.swept.is_none_or(|at| now.0 - at.0 >= second);
        if is_due && !self.table.is_recording() {
            self.pressure.swept = Some(now);
            self.table.sweep(|entry| entry.is_expired(now));
            if self.table.count() < max {
                return true;
            }
        }
        if u64::from(self.table.count()) * 16 < u64::from(self.settings.buckets) {
            return false;
        }
        let Some(oldest) = self.table.oldest_unassured() else {
            return false;
        };
        self.kill(oldest);
        self.release_entry(oldest);
        true
    }
}

/// Tracks a packet that was looked at beforehand, whose entry is found. It ends no connection ([`Glance::may_end`]), its
/// lengths are right, and its checksum too, if the kernel looks at it.
#[inline]
pub(crate) fn track_glance(
    entry: &mut Entry,
    direction: Direction,
    (glance, options): (&Glance, &[u8]),
    now: Jiffies,
    settings: &Settings,
) -> (Handled, CtInfo) {
    let turn = Turn {
        len: glance.len as usize,
        direction,
        now,
        settings,
    };
    let info = info(entry.status, direction);
    let handled = match entry.protocol() {
        Protocol::TCP => super::tcp::take(entry, &glance.segment(options), turn),
        _ => super::udp::take(entry, turn),
    };
    if matches!(handled, Handled::Accept(_)) && info == CtInfo::EstablishedReply {
        entry.status.insert(Status::SEEN_REPLY);
    }
    (handled, info)
}

impl Pretracked {
    /// What came of [tracking](track_glance) a packet of a connection. The kernel `looks` at its checksum, or does not.
    pub(crate) fn of(handled: Handled, id: CtId, info: CtInfo, looks: bool) -> Self {
        let is_taken = matches!(handled, Handled::Accept(_));
        Self {
            tracked: match handled {
                Handled::Accept(why) => Tracked::Accept { why },
                Handled::Fault(fault) => fault.into(),
                // Only what ends a connection leads there.
                Handled::Repeat | Handled::Kill => ACCEPT,
            },
            connection: if is_taken {
                Connection::Tracked { id, info }
            } else {
                Connection::None
            },
            is_proven: looks && is_taken,
            is_summed: looks,
        }
    }
}

/// Whether a packet that its tracker took has a checksum that proves all of it.
const fn is_summed_whole(protocol: Protocol, connection: Connection) -> bool {
    matches!(connection, Connection::Tracked { .. }) && has_sum(protocol)
}

/// Whether a packet without a connection has a header that its tracker reads, and a checksum over all of it that is right.
fn is_sound(packet: &Packet<'_>) -> bool {
    let Ok(at) = layer4::find(packet, packet.family(), 0) else {
        return false;
    };
    let rest = packet.len() - at.offset.min(packet.len());
    let is_read = match at.protocol {
        Protocol::TCP => packet
            .array::<13>(at.offset)
            .is_ok_and(|header| (20..=rest).contains(&(usize::from(header[12] >> 4) * 4))),
        Protocol::UDP => packet
            .u16(at.offset + 4)
            .is_ok_and(|len| (8..=rest).contains(&usize::from(len))),
        _ => rest >= 8,
    };
    is_read && has_sum(at.protocol) && answer::verify::holds(packet, at.protocol, at.offset)
}

/// Whether its checksum is over the whole packet.
const fn has_sum(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::TCP | Protocol::UDP | Protocol::ICMP | Protocol::ICMPV6
    )
}

const fn info(status: Status, direction: Direction) -> CtInfo {
    match direction {
        Direction::Reply => CtInfo::EstablishedReply,
        Direction::Original if status.contains(Status::SEEN_REPLY) => CtInfo::Established,
        Direction::Original if status.contains(Status::EXPECTED) => CtInfo::Related,
        Direction::Original => CtInfo::New,
    }
}

/// Gives the packet to its protocol's tracker (`nf_conntrack_handle_packet`).
fn handle(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    match entry.protocol() {
        Protocol::TCP => super::tcp::packet(entry, cx),
        Protocol::UDP => super::udp::packet(entry, cx),
        Protocol::UDPLITE => super::udplite::packet(entry, cx),
        Protocol::ICMP => super::icmp::packet(entry, cx),
        Protocol::ICMPV6 => super::icmpv6::packet(entry, cx),
        Protocol::SCTP => super::sctp::packet(entry, cx),
        Protocol::GRE => super::gre::packet(entry, cx),
        _ => super::generic::packet(entry, cx),
    }
}

impl<'c> Cx<'c, '_> {
    pub(super) fn turn(&self) -> Turn<'c> {
        Turn {
            len: self.packet.len(),
            direction: self.direction,
            now: self.now,
            settings: self.settings,
        }
    }

    /// Counts the packet and lets its connection live `ticks` from now.
    #[inline]
    pub(super) fn refresh(&self, entry: &mut Entry, ticks: i64) {
        self.turn().refresh(entry, ticks);
    }
}

/// The same of a packet whose header was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'c> {
    /// Its length from the IP header on.
    pub(super) len: usize,
    pub(super) direction: Direction,
    pub(super) now: Jiffies,
    pub(super) settings: &'c Settings,
}

impl Turn<'_> {
    /// Counts the packet and lets its connection live `ticks` from now.
    pub(super) fn refresh(&self, entry: &mut Entry, ticks: i64) {
        entry.refresh(self.direction, self.len, ticks, self.now);
    }

    /// Counts the packet only.
    pub(super) fn count(&self, entry: &mut Entry) {
        entry.count(self.direction, self.len);
    }
}
