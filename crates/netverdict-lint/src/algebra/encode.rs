//! A rule's tests as sets of packets: one that all matching packets are in, one of which every packet matches.
//!
//! Follows the engine's evaluation test by test. What a match cannot say exactly widens the first and empties the second.

use std::net::IpAddr;

use netverdict_net::{AddrMask, AddrRange, PortRange};
use netverdict_ruleset::matches::{
    Conntrack, CtDirection, CtStates, CtStatuses, HopTest, IcmpTest, Multiport, PacketKind,
    PortEntry, PortSide, Tcp,
};
use netverdict_ruleset::{FragmentTest, Invertible, Match, PortTests, Rule};

use super::set::{Full, Set};
use super::space::{Field, Space, connection};

/// The packets that a rule is about.
#[derive(Debug, Clone)]
pub(crate) struct Meaning {
    /// No other packet matches.
    pub(crate) may: Set,
    /// Each of these matches.
    pub(crate) must: Set,
}

/// Whether a match's answer depends on more than the packet and its connection: two rules may get two answers.
pub(crate) fn is_stateful(test: &Match) -> bool {
    match test {
        Match::Cluster(_)
        | Match::Connbytes(_)
        | Match::Connlimit(_)
        | Match::Hashlimit(_)
        | Match::Ipvs(_)
        | Match::Limit(_)
        | Match::Nfacct(_)
        | Match::Quota(_)
        | Match::Rateest(_)
        | Match::Recent(_)
        | Match::Socket(_)
        | Match::Statistic(_)
        | Match::Time(_)
        | Match::Unsupported(_) => true,
        Match::Connlabel(m) => m.set,
        Match::Conntrack(m) => m.expire.is_some(),
        Match::Set(m) => m.packets.is_some() || m.bytes.is_some(),
        _ => false,
    }
}

/// The question that a match asks, where no field answers it. IPv6 remembers the transport offset of the last rule with
/// `-p`, so that a match may see more in one rule than in another.
pub(super) fn question(rule: &Rule, test: &Match) -> Option<String> {
    if is_stateful(test) {
        return None;
    }
    let protocol = rule.protocol.map(|p| (p.inverted, p.value.0));
    match test {
        Match::Comment(_)
        | Match::Connmark(_)
        | Match::Dscp(_)
        | Match::Hl(_)
        | Match::Icmp(_)
        | Match::Icmp6(_)
        | Match::Iprange(_)
        | Match::Length(_)
        | Match::Mark(_)
        | Match::Multiport(_)
        | Match::Tos(_)
        | Match::Ttl(_)
        | Match::Udp(_) => None,
        Match::Pkttype(m) => (m.kind.value == PacketKind::OtherHost).then(|| test.to_string()),
        Match::Tcp(m) => m
            .option
            .map(|o| format!("tcp option {} {}", o.inverted, o.value)),
        Match::Conntrack(m) => connection_question(m),
        Match::Sctp(m) => m.chunks.as_ref().map(|_| test.to_string()),
        Match::Dccp(m) => (m.types.is_some() || m.option.is_some()).then(|| test.to_string()),
        _ => Some(format!("{protocol:?} {test}")),
    }
}

/// What a connection test asks beyond states, status and direction.
fn connection_question(m: &Conntrack) -> Option<String> {
    let rest = Conntrack {
        is_state: false,
        states: None,
        status: None,
        direction: None,
        ..m.clone()
    };
    (rest != Conntrack::default()).then(|| format!("conntrack{rest}"))
}

impl Space {
    /// What a rule matches.
    pub(crate) fn meaning(&self, rule: &Rule) -> Result<Meaning, Full> {
        let mut set = self.all();
        let mut exact = true;
        for test in &rule.matches {
            set = set.and(&self.test(rule, test)?)?;
            exact &= !is_stateful(test);
        }
        // The most selective last: they are on top of the diagram.
        if let Some(test) = rule.destination {
            set = set.and(&self.address(Field::Destination, test)?)?;
        }
        if let Some(test) = rule.source {
            set = set.and(&self.address(Field::Source, test)?)?;
        }
        if let Some(test) = rule.fragment {
            let later = self.bit(Field::LaterFragment, 0)?;
            set = set.and(&match test {
                FragmentTest::Later => later,
                FragmentTest::HeadOrWhole => later.not()?,
            })?;
        }
        if let Some(test) = rule.out_interface {
            let matching = self
                .out_devices
                .matching(self, Field::OutDevice, &test.value)?;
            set = set.and(&turned(matching, test.inverted)?)?;
        }
        if let Some(test) = rule.in_interface {
            let matching = self
                .in_devices
                .matching(self, Field::InDevice, &test.value)?;
            set = set.and(&turned(matching, test.inverted)?)?;
        }
        if let Some(test) = rule.protocol {
            let equal = self.equals(Field::Protocol, test.value.0.into())?;
            // A broken header chain matches no protocol, and no absence of one.
            let has = self.bit(Field::HasProtocol, 0)?;
            set = set.and(&turned(equal, test.inverted)?.and(&has)?)?;
        }
        Ok(Meaning {
            must: if exact { set.clone() } else { self.none() },
            may: set,
        })
    }

    fn address(&self, field: Field, test: Invertible<AddrMask>) -> Result<Set, Full> {
        let (addr, mask) = match test.value {
            AddrMask::V4 { addr, mask } => (addr.into(), mask.into()),
            AddrMask::V6 { addr, mask } => (addr, mask),
        };
        turned(self.masked(field, addr, mask)?, test.inverted)
    }

    fn test(&self, rule: &Rule, test: &Match) -> Result<Set, Full> {
        let mut set = self.fields_of(test)?;
        if let Some(question) = question(rule, test) {
            let answer = self.answer(&question)?;
            set = set.and(&answer)?;
            if let Match::Conntrack(m) = test {
                // Without a connection the states alone have a say.
                let known = self.bit(Field::Connection, connection::KNOWN)?;
                set = Set::choose(&known, &set, &self.without_connection(m)?)?;
            }
        }
        Ok(set)
    }

    /// What the fields say of a match; everything, where they say nothing.
    fn fields_of(&self, test: &Match) -> Result<Set, Full> {
        match test {
            Match::Tcp(m) => self.tcp(m),
            Match::Udp(m) => self.ports(m.source, m.destination, 8, self.is_nft()),
            Match::Sctp(m) => self.ports(any(m.source), any(m.destination), 12, false),
            Match::Dccp(m) => self.ports(any(m.source), any(m.destination), 12, false),
            Match::Multiport(m) => self.multiport(m),
            Match::Icmp(m) => self.icmp(m.test, m.test.value.kind == IcmpTest::ANY_TYPE),
            Match::Icmp6(m) => self.icmp(m.test, false),
            Match::Iprange(m) => {
                let source = self.addresses(Field::Source, m.source)?;
                source.and(&self.addresses(Field::Destination, m.destination)?)
            }
            Match::Length(m) => {
                let range = m.length.value;
                let set = self.between(Field::Length, range.start.into(), range.end.into())?;
                turned(set, m.length.inverted)
            }
            Match::Mark(m) => {
                let MarkTest { value, mask } = mark(m.mark.value);
                turned(self.masked(Field::Mark, value, mask)?, m.mark.inverted)
            }
            Match::Connmark(m) => {
                let MarkTest { value, mask } = mark(m.mark.value);
                let set = turned(self.masked(Field::Connmark, value, mask)?, m.mark.inverted)?;
                set.and(&self.bit(Field::Connection, connection::KNOWN)?)
            }
            Match::Tos(m) => {
                let tos = m.tos.value;
                let set = self.masked(Field::Tos, tos.value.into(), tos.mask.into())?;
                turned(set, m.tos.inverted)
            }
            Match::Dscp(m) => {
                let value = u128::from(m.dscp.value) << 2;
                turned(self.masked(Field::Tos, value, 0xfc)?, m.dscp.inverted)
            }
            Match::Ttl(m) => self.hops(m.test),
            Match::Hl(m) => self.hops(m.test),
            Match::Pkttype(m) => {
                let kind = match m.kind.value {
                    PacketKind::Unicast => 0,
                    PacketKind::Broadcast => 1,
                    PacketKind::Multicast => 2,
                    PacketKind::OtherHost => return Ok(self.all()),
                };
                turned(self.equals(Field::PacketKind, kind)?, m.kind.inverted)
            }
            Match::Conntrack(m) => self.connection(m),
            _ => Ok(self.all()),
        }
    }

    fn is_nft(&self) -> bool {
        self.ports != PortTests::Xtables
    }

    fn whole_or_first(&self) -> Result<Set, Full> {
        self.bit(Field::LaterFragment, 0)?.not()
    }

    fn port(&self, field: Field, test: Invertible<PortRange>) -> Result<Set, Full> {
        let range = test.value;
        let set = self.between(field, range.start.into(), range.end.into())?;
        turned(set, test.inverted)
    }

    /// Two ports. `native` is nf_tables' own test: each port is read alone, from later fragments too.
    fn ports(
        &self,
        source: Invertible<PortRange>,
        destination: Invertible<PortRange>,
        header: u8,
        native: bool,
    ) -> Result<Set, Full> {
        let leaves_out = |test| native && self.ports.leaves_out(test);
        let side = |field, test| {
            if leaves_out(test) {
                Ok(self.all())
            } else {
                self.port(field, test)
            }
        };
        let from = side(Field::SourcePort, source)?;
        let to = side(Field::DestinationPort, destination)?;
        if native && self.ports.joins(source, destination) {
            return from.or(&to)?.and(&self.holds(4)?);
        }
        let ports = from.and(&to)?;
        if !native {
            return ports
                .and(&self.holds(header)?)?
                .and(&self.whole_or_first()?);
        }
        let mut set = ports;
        if !leaves_out(source) {
            set = set.and(&self.holds(2)?)?;
        }
        if !leaves_out(destination) {
            set = set.and(&self.holds(4)?)?;
        }
        Ok(set)
    }

    fn tcp(&self, m: &Tcp) -> Result<Set, Full> {
        let native = self.is_nft() && m.option.is_none();
        let ports = self.ports(m.source, m.destination, 20, native)?;
        let test = m.flags.value;
        let flags = self.masked(Field::TcpFlags, test.set.into(), test.mask.into())?;
        let set = ports.and(&turned(flags, m.flags.inverted)?)?;
        let reads_flags = test.mask != 0 || test.set != 0 || m.flags.inverted;
        if native && reads_flags {
            return set.and(&self.holds(14)?);
        }
        Ok(set)
    }

    fn multiport(&self, m: &Multiport) -> Result<Set, Full> {
        let mut set = self.none();
        for entry in &m.ports.value {
            let range = match entry {
                PortEntry::Port(port) => PortRange::single(*port),
                PortEntry::Range(range) => *range,
            };
            let sides: &[Field] = match m.side {
                PortSide::Source => &[Field::SourcePort],
                PortSide::Destination => &[Field::DestinationPort],
                PortSide::Either => &[Field::SourcePort, Field::DestinationPort],
            };
            for side in sides {
                set = set.or(&self.port(*side, Invertible::plain(range))?)?;
            }
        }
        turned(set, m.ports.inverted)?
            .and(&self.holds(4)?)?
            .and(&self.whole_or_first()?)
    }

    /// Type and code are the two bytes where others have the source port.
    fn icmp(&self, test: Invertible<IcmpTest>, any: bool) -> Result<Set, Full> {
        let set = if any {
            self.all()
        } else {
            let kind = u128::from(test.value.kind) << 8;
            let codes = test.value.codes;
            self.between(
                Field::SourcePort,
                kind | u128::from(codes.first),
                kind | u128::from(codes.last),
            )?
        };
        turned(set, test.inverted)?
            .and(&self.holds(8)?)?
            .and(&self.whole_or_first()?)
    }

    fn addresses(&self, field: Field, test: Option<Invertible<AddrRange>>) -> Result<Set, Full> {
        let Some(test) = test else {
            return Ok(self.all());
        };
        let set = self.between(field, number(test.value.start), number(test.value.end))?;
        turned(set, test.inverted)
    }

    fn hops(&self, test: HopTest) -> Result<Set, Full> {
        match test {
            HopTest::Equal(n) => self.equals(Field::HopLimit, n.into()),
            HopTest::NotEqual(n) => self.equals(Field::HopLimit, n.into())?.not(),
            HopTest::Less(0) => Ok(self.none()),
            HopTest::Less(n) => self.at_most(Field::HopLimit, u128::from(n) - 1),
            HopTest::Greater(n) => self.at_least(Field::HopLimit, u128::from(n) + 1),
        }
    }

    /// States, status and direction, of a packet with a connection or without.
    fn connection(&self, m: &Conntrack) -> Result<Set, Full> {
        let mut set = match m.states {
            None => self.all(),
            Some(test) => turned(self.listed_states(test.value)?, test.inverted)?,
        };
        if let Some(test) = m.status {
            set = set.and(&turned(self.listed_statuses(test.value)?, test.inverted)?)?;
        }
        if let Some(direction) = m.direction {
            let reply = self.connection_bits(connection::REPLY, 1, 1)?;
            set = set.and(&turned(reply, direction == CtDirection::Original)?)?;
        }
        let known = self.bit(Field::Connection, connection::KNOWN)?;
        Set::choose(&known, &set, &self.without_connection(m)?)
    }

    fn without_connection(&self, m: &Conntrack) -> Result<Set, Full> {
        match m.states {
            None => Ok(self.none()),
            Some(test) => turned(self.listed_states(test.value)?, test.inverted),
        }
    }

    fn listed_states(&self, states: CtStates) -> Result<Set, Full> {
        let indexed = [
            (CtStates::NEW, connection::NEW),
            (CtStates::ESTABLISHED, connection::ESTABLISHED),
            (CtStates::RELATED, connection::RELATED),
            (CtStates::INVALID, connection::INVALID),
            (CtStates::UNTRACKED, connection::UNTRACKED),
        ];
        let listed = indexed.into_iter().filter(|(s, _)| states.intersects(*s));
        let mut set = self.states(listed.fold(0, |bits, (_, index)| bits | 1 << index))?;
        for (state, bit) in [
            (CtStates::SNAT, connection::SNAT),
            (CtStates::DNAT, connection::DNAT),
        ] {
            if states.intersects(state) {
                set = set.or(&self.connection_bits(bit, 1, 1)?)?;
            }
        }
        Ok(set)
    }

    fn listed_statuses(&self, statuses: CtStatuses) -> Result<Set, Full> {
        let listed = [
            CtStatuses::EXPECTED,
            CtStatuses::SEEN_REPLY,
            CtStatuses::ASSURED,
            CtStatuses::CONFIRMED,
        ];
        let mut set = self.none();
        for (status, offset) in listed.into_iter().zip(0..) {
            if statuses.intersects(status) {
                set = set.or(&self.connection_bits(connection::STATUS + offset, 1, 1)?)?;
            }
        }
        Ok(set)
    }
}

struct MarkTest {
    value: u128,
    mask: u128,
}

fn mark(test: netverdict_ruleset::MarkMask) -> MarkTest {
    MarkTest {
        value: test.value.into(),
        mask: test.mask.into(),
    }
}

fn any(test: Option<Invertible<PortRange>>) -> Invertible<PortRange> {
    test.unwrap_or(Invertible::plain(PortRange::ANY))
}

fn turned(set: Set, inverted: bool) -> Result<Set, Full> {
    if inverted { set.not() } else { Ok(set) }
}

const fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(a) => a.to_bits() as u128,
        IpAddr::V6(a) => a.to_bits(),
    }
}
