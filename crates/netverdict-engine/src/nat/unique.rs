//! The tuple a connection is translated to: in the range, and no other connection's (`get_unique_tuple`).

use netverdict_net::{AddrRange, Packet, PortRange, Protocol};
use netverdict_ruleset::NatSide;
use netverdict_ruleset::targets::NatRange;

use super::{Choice, address};
use crate::CtId;
use crate::conntrack::{Conntrack, Direction, Status, TcpState, Tuple};
use crate::context::Now;
use crate::state::Random;

/// Ports tried in a row (`NF_NAT_MAX_ATTEMPTS`).
const MAX_ATTEMPTS: u32 = 128;
/// With so few attempts left, closed connections make way.
const HARDER: u32 = MAX_ATTEMPTS / 4;

/// The search for one connection's mapping.
pub(super) struct Search<'s, 'p> {
    pub(super) conntrack: &'s mut Conntrack,
    pub(super) id: CtId,
    pub(super) side: NatSide,
    pub(super) range: &'s NatRange,
    pub(super) now: Now,
    pub(super) random: &'s mut Random,
    pub(super) packet: &'s Packet<'p>,
    /// Whether chance had a say.
    pub(super) choice: Choice,
}

/// Consecutive numbers to choose from.
#[derive(Debug, Clone, Copy)]
struct Numbers {
    min: u16,
    count: u32,
}

impl Search<'_, '_> {
    /// The translation of `current`, which is the packet's tuple as far as it was translated before.
    pub(super) fn choose(&mut self, current: Tuple) -> Tuple {
        if self.side == NatSide::Source && !self.is_random() {
            if self.in_range(&current) {
                if !self.is_used_by_stranger(&current) {
                    return current;
                }
            } else if let Some(kept) = self.same_as_before(&current)
                && !self.is_used(&kept)
            {
                return kept;
            }
        }
        let mut tuple = current;
        if let Some(addresses) = self.range.addresses {
            let zone = self.zone();
            // And the same address.
            self.conntrack.is_coupled |= addresses.start != addresses.end;
            address::choose(
                &mut tuple,
                addresses,
                self.side,
                self.range.persistent,
                zone.id,
            );
        }
        if !self.is_random() && self.may_keep_port(&tuple) {
            return tuple;
        }
        self.find_port(tuple)
    }

    const fn is_random(&self) -> bool {
        self.range.random || self.range.random_fully
    }

    fn zone(&self) -> crate::conntrack::Zone {
        self.conntrack
            .entry(self.id)
            .map(|entry| entry.zone)
            .unwrap_or_default()
    }

    fn may_keep_port(&mut self, tuple: &Tuple) -> bool {
        match self.range.ports {
            None => !self.is_used(tuple),
            Some(ports) => {
                ports.base.is_none()
                    && port_in_range(tuple, self.side, ports.range)
                    && (ports.range.start == ports.range.end || !self.is_used(tuple))
            }
        }
    }

    /// Whether a tuple needs no source translation to be in the range (`nf_in_range`).
    fn in_range(&self, tuple: &Tuple) -> bool {
        self.range
            .addresses
            .is_none_or(|range: AddrRange| range.contains(tuple.source()))
            && self
                .range
                .ports
                .is_none_or(|ports| port_in_range(tuple, NatSide::Source, ports.range))
    }

    /// The mapping that the same sender has for another connection (`find_appropriate_src`).
    fn same_as_before(&self, tuple: &Tuple) -> Option<Tuple> {
        let others = self.conntrack.table.of_source(tuple, self.zone());
        others.into_iter().find_map(|id| {
            let entry = self.conntrack.entry(id)?;
            if id == self.id || entry.is_confirmed() && entry.is_over(self.now.jiffies) {
                return None;
            }
            let kept = Tuple {
                destination: tuple.destination,
                destination_port: tuple.destination_port,
                ..entry.reply().invert()?
            };
            self.in_range(&kept).then_some(kept)
        })
    }

    /// Whether another connection's packets have the tuple that answers to this one would have
    /// (`nf_nat_used_tuple`).
    fn is_used(&mut self, tuple: &Tuple) -> bool {
        tuple.invert().is_none_or(|reply| self.is_taken(&reply))
    }

    /// `nf_conntrack_tuple_taken`.
    fn is_taken(&mut self, reply: &Tuple) -> bool {
        let zone = self.zone();
        let found = self
            .conntrack
            .table
            .find_at(reply, zone, Direction::Reply, self.now.jiffies);
        let (Some((holder, _)), Some(own)) = (found, self.conntrack.entry(self.id)) else {
            return false;
        };
        let same_flow = self.conntrack.entry(holder).is_some_and(|entry| {
            let original = Direction::Original;
            entry.original() == own.original() && entry.zone.at(original) == zone.at(original)
        });
        holder != self.id && !same_flow
    }

    /// Like [`Self::is_used`], but not where the holder is this very flow seen from the other end, untranslated
    /// (`nf_nat_used_tuple_new`).
    fn is_used_by_stranger(&mut self, tuple: &Tuple) -> bool {
        const TRANSLATED: Status = Status(Status::NAT.0 | Status::SEQ_ADJUST.0);
        if !self.is_used(tuple) {
            return false;
        }
        let Some(own) = self.conntrack.entry(self.id) else {
            return true;
        };
        if !crate::conntrack::allows_clash(tuple.protocol) || own.status.intersects(TRANSLATED) {
            return true;
        }
        let (own_reply, zone, now) = (*own.reply(), own.zone, self.now.jiffies);
        let found = self.conntrack.find(tuple, zone, now).or_else(|| {
            let reply = tuple.invert()?;
            self.conntrack.find(&reply, zone, now)
        });
        let Some(holder) = found.and_then(|(id, _)| self.conntrack.entry(id)) else {
            return false;
        };
        holder.status.intersects(TRANSLATED) || *holder.original() != own_reply
    }

    /// Like [`Self::is_used`]; when few attempts are left, a closed connection makes way for a newer SYN
    /// (`nf_nat_used_tuple_harder`).
    fn is_used_after_all(&mut self, tuple: &Tuple, left: u32) -> bool {
        let opening = self
            .conntrack
            .entry(self.id)
            .and_then(crate::conntrack::Entry::tcp_state)
            == Some(TcpState::SynSent);
        if left > HARDER || tuple.protocol != Protocol::TCP || !opening {
            return self.is_used(tuple);
        }
        let Some(reply) = tuple.invert() else {
            return true;
        };
        let zone = self.zone();
        let Some((holder, direction)) = self.conntrack.find(&reply, zone, self.now.jiffies) else {
            return false;
        };
        let (Some(old), Some(own)) = (self.conntrack.entry(holder), self.conntrack.entry(self.id))
        else {
            return true;
        };
        let makes_way = direction == Direction::Reply
            && old.tcp_state() >= Some(TcpState::TimeWait)
            && old.status.contains(Status::SRC_NAT)
            && !old.status.intersects(Status::FIXED_TIMEOUT | Status::DYING)
            && own.is_ahead_of(old);
        if makes_way {
            self.conntrack.kill(holder);
            self.conntrack.table.release(holder);
        }
        !makes_way
    }

    /// The numbers that ports, or the ICMP identifier, may be chosen from; `None` where there is no choice.
    fn numbers(&self, tuple: &Tuple) -> Option<Numbers> {
        let given = self.range.ports.map(|ports| ports.range);
        match tuple.protocol {
            Protocol::ICMP | Protocol::ICMPV6 => Some(given.map_or(
                Numbers {
                    min: 0,
                    count: 65_536,
                },
                Numbers::of,
            )),
            // Not DCCP: Linux tracks it no more, and so it has no ports here.
            Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP => {
                match (given, self.side) {
                    (Some(range), _) => Some(Numbers::of(range)),
                    (None, NatSide::Destination) => None,
                    (None, NatSide::Source) => Some(Numbers::like(tuple.source_port)),
                }
            }
            // A call id; of connections that a helper announced only.
            Protocol::GRE if self.has_master() => Some(given.map_or(
                Numbers {
                    min: 1,
                    count: 65_535,
                },
                Numbers::of,
            )),
            _ => None,
        }
    }

    fn has_master(&self) -> bool {
        let entry = self.conntrack.entry(self.id);
        entry.is_some_and(|entry| entry.status.contains(Status::EXPECTED))
    }

    /// Tries ports until one makes the tuple unique. If none does, the last one tried stays, and confirmation will drop
    /// the packet (`nf_nat_l4proto_unique_tuple`).
    fn find_port(&mut self, mut tuple: Tuple) -> Tuple {
        let Some(numbers) = self.numbers(&tuple) else {
            return tuple;
        };
        // Later connections of the sender are to have the same port, wherever they lead.
        self.conntrack.is_coupled = true;
        let mut offset = match self.range.ports.and_then(|ports| ports.base) {
            Some(base) => key(&mut tuple, self.side).wrapping_sub(base),
            None if self.is_random() || self.side == NatSide::Source => self.draw(numbers),
            None => 0,
        };
        let mut attempts = numbers.count.min(MAX_ATTEMPTS);
        loop {
            for attempt in 0..attempts {
                let number = u32::from(numbers.min) + u32::from(offset) % numbers.count;
                *key(&mut tuple, self.side) = number as u16;
                if !self.is_used_after_all(&tuple, attempts - attempt) {
                    return tuple;
                }
                offset = offset.wrapping_add(1);
            }
            if attempts >= numbers.count || attempts < 16 {
                return tuple;
            }
            attempts /= 2;
            offset = self.draw(numbers);
        }
    }

    fn draw(&mut self, numbers: Numbers) -> u16 {
        if numbers.count > 1 {
            self.choice = Choice::Random;
        }
        self.random.draw(self.now.time, self.packet) as u16
    }
}

impl Numbers {
    fn of(range: PortRange) -> Self {
        let (min, max) = (range.start.min(range.end), range.start.max(range.end));
        Self {
            min,
            count: u32::from(max - min) + 1,
        }
    }

    /// A privileged port stays privileged.
    const fn like(port: u16) -> Self {
        match port {
            0..512 => Self { min: 1, count: 511 },
            512..1024 => Self {
                min: 600,
                count: 424,
            },
            _ => Self {
                min: 1024,
                count: 64_512,
            },
        }
    }
}

/// The word that translation changes.
const fn key(tuple: &mut Tuple, side: NatSide) -> &mut u16 {
    match (tuple.protocol, side) {
        (Protocol::ICMP | Protocol::ICMPV6, _) | (_, NatSide::Source) => &mut tuple.source_port,
        (_, NatSide::Destination) => &mut tuple.destination_port,
    }
}

/// `l4proto_in_range`.
fn port_in_range(tuple: &Tuple, side: NatSide, range: PortRange) -> bool {
    match tuple.protocol {
        Protocol::ICMP
        | Protocol::ICMPV6
        | Protocol::GRE
        | Protocol::TCP
        | Protocol::UDP
        | Protocol::UDPLITE
        | Protocol::SCTP => range.contains(*key(&mut tuple.clone(), side)),
        _ => true,
    }
}
