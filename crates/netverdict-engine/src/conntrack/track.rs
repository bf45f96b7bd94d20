//! The conntrack hook at PREROUTING and OUTPUT (`nf_conntrack_in`).

use netverdict_net::{Jiffies, Packet, Protocol};
use netverdict_ruleset::Hook;

use super::layer4::{self, Fault, Layer4};
use super::{Conntrack, Direction, Entry, Settings, Status, Template, Tuple, Zone};
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

/// What a layer-4 tracker says of a packet of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
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
        match self.classify(skb, hook, template.as_ref(), now) {
            Ok(tracked) => tracked,
            Err(Fault::Invalid(why)) => Tracked::Accept { why: Some(why) },
            Err(Fault::Unread(why)) => Tracked::Unread(why),
        }
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
        let verify = hook == Hook::Prerouting && self.settings.checksum && !skb.checksum_trusted;
        if matches!(at.protocol, Protocol::ICMP | Protocol::ICMPV6) {
            let connection = self.track_error(&skb.packet, at, zone, verify, now)?;
            if connection != Connection::None {
                skb.connection = connection;
                return Ok(ACCEPT);
            }
        }
        let tuple = Tuple::of_packet(&skb.packet, family, 0, at)?;
        // A second round only after a closed connection made way, which cannot happen twice.
        for _ in 0..2 {
            let (id, direction) = match self.table.find(&tuple, zone, now) {
                Some(found) => found,
                None => match self.create(&tuple, zone, template, now)? {
                    Some(id) => (id, Direction::Original),
                    None => return Ok(Tracked::Drop(Reason::ConntrackFull)),
                },
            };
            let cx = Cx {
                packet: &skb.packet,
                at,
                direction,
                verify,
                now,
                settings: &self.settings,
            };
            let Some(entry) = self.table.get_mut(id) else {
                break;
            };
            let info = info(entry.status, direction);
            let handled = handle(entry, cx);
            if let Handled::Accept(_) | Handled::Kill = handled {
                skb.connection = Connection::Tracked { id, info };
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
                }
            }
        }
        Ok(ACCEPT)
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
        let expected = self.expectations.take(tuple, zone, now);
        let id = self
            .table
            .allocate(|serial| Entry::new(*tuple, reply, zone, accounting, serial));
        match expected {
            Some(expectation) => self.fulfil(id, &expectation),
            None => {
                if let Some(helper) = template.and_then(|template| template.helper)
                    && let Some(entry) = self.table.get_mut(id)
                {
                    entry.status.insert(Status::HELPER);
                    entry.extra_mut().helper = Some((helper, helper.state()));
                }
            }
        }
        Ok(Some(id))
    }

    /// Whether one more connection may be. A full table gives up what expired, then one that is not assured: the kernel
    /// searches eight buckets of its hash table (`early_drop`), here it is the oldest, if the table is so dense that
    /// eight buckets are likely to hold any.
    fn make_room(&mut self, now: Jiffies) -> bool {
        let max = self.settings.max;
        if max == 0 || self.table.count() < max {
            return true;
        }
        self.table.sweep(|entry| entry.is_expired(now));
        if self.table.count() < max {
            return true;
        }
        if u64::from(self.table.count()) * 16 < u64::from(self.settings.buckets) {
            return false;
        }
        let oldest = self
            .table
            .confirmed()
            .into_iter()
            .find(|(_, entry)| !entry.status.contains(Status::ASSURED))
            .map(|(id, _)| id);
        match oldest {
            Some(id) => {
                self.kill(id);
                self.release_entry(id);
                true
            }
            None => false,
        }
    }
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

impl Cx<'_, '_> {
    /// Counts the packet and lets its connection live `ticks` from now.
    pub(super) fn refresh(&self, entry: &mut Entry, ticks: i64) {
        entry.refresh(self.direction, self.packet.len(), ticks, self.now);
    }

    /// Counts the packet only.
    pub(super) fn count(&self, entry: &mut Entry) {
        entry.count(self.direction, self.packet.len());
    }
}
