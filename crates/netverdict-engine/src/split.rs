//! Traffic in shares that have nothing to do with each other, so that each can be replayed by an engine of its own.
//!
//! Packets of one connection, of its errors and of its translation are in one share: which one is a function of a pair of
//! addresses without an order, and every translation is held to it ([`Split::parts`]). What rules could carry from one
//! connection to another is ruled out before ([`Split::of`]); what the host itself carries (rates of its errors, a full
//! table, ports that NAT must choose anew) is noticed when it happens ([`Engine::is_coupled`](crate::Engine::is_coupled)).

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;
use netverdict_host::{Flow, Host, OutputRoute};
use netverdict_net::{Device, Family, Packet, Protocol};
use netverdict_ruleset::targets::Ct;
use netverdict_ruleset::{Match, Rule, Ruleset, TableKind, Target};

use crate::conntrack::{Addr, Layer4, Tuple, find_layer4, ip};
use crate::remember::Classes;
use crate::{EngineInput, Glance};

/// How traffic falls into shares.
#[derive(Debug)]
pub struct Split {
    /// Where addresses are translated, the devices beyond which they are not.
    far: Option<Far>,
}

/// The far side of a translating host.
#[derive(Debug)]
struct Far {
    host: Host,
    devices: Vec<Device>,
    /// For the classes of IPv4 addresses that the host tells apart, whether they are beyond; `None` where they are many.
    classes: Option<(Classes, Vec<bool>)>,
    recent: Recent,
}

/// IPv4 addresses that were asked of late, with the answers, one a slot. Many threads ask.
#[derive(Debug)]
struct Recent(Box<[AtomicU64]>);

impl Recent {
    const SLOTS: usize = 1 << 14;
    const KNOWN: u64 = 2;

    fn new() -> Self {
        Self((0..Self::SLOTS).map(|_| AtomicU64::new(0)).collect())
    }

    fn answer(&self, address: Ipv4Addr, ask: impl FnOnce() -> bool) -> bool {
        let bits = address.to_bits();
        let key = u64::from(bits) << 2 | Self::KNOWN;
        // The golden ratio spreads neighbours over all slots.
        let slot = bits.wrapping_mul(0x9e37_79b1) >> 18;
        let Some(slot) = self.0.get(slot as usize) else {
            return ask();
        };
        let known = slot.load(Ordering::Relaxed);
        if known & !1 == key {
            return known & 1 == 1;
        }
        let answer = ask();
        slot.store(key | u64::from(answer), Ordering::Relaxed);
        answer
    }
}

impl Split {
    /// How traffic falls into shares on a host; `None` if rules carry something from one connection to another.
    pub fn of(input: EngineInput<'_>) -> Option<Self> {
        let sysctls = input.host.sysctls();
        let helpers = sysctls.text("net/netfilter/nf_conntrack_helper");
        let is_split = rules(input).all(|(_, rule)| is_apart(rule))
            && helpers.is_none_or(|text| text.trim() == "0");
        is_split.then(|| Self {
            far: Far::of(input),
        })
    }

    /// The share of a packet; `None` if it may have to do with more than one.
    pub fn share(&self, packet: &Packet<'_>) -> Option<u64> {
        let family = packet.family();
        let outer = || self.pair(packet.source(), packet.destination());
        // Tracking does not look further either.
        let Ok(at) = find_layer4(packet, family, 0) else {
            return outer();
        };
        if !is_icmp_error(packet, at) {
            return outer();
        }
        match Tuple::read(packet, family, at.offset + 8) {
            Ok(quoted) => self.pair(quoted.source(), quoted.destination()),
            // It belongs to no connection.
            Err(_) if packet.is_whole() => outer(),
            Err(_) => None,
        }
    }

    /// The share of a packet that was looked at.
    #[inline]
    pub fn share_of(&self, glance: &Glance) -> Option<u64> {
        // By value: a glance whose address is taken has to be in memory before it is where it is to be.
        let Tuple {
            source,
            destination,
            family,
            ..
        } = *glance.tuple();
        self.share_between(family, source, destination)
    }

    fn share_between(&self, family: Family, source: Addr, destination: Addr) -> Option<u64> {
        match &self.far {
            None => Some(hash(source, destination)),
            Some(_) => self.pair(ip(family, source), ip(family, destination)),
        }
    }

    /// The share of what flows between two addresses, in either direction.
    fn pair(&self, one: IpAddr, other: IpAddr) -> Option<u64> {
        let (a, b) = (number(one), number(other));
        let Some(far) = &self.far else {
            return Some(hash(a, b));
        };
        match (far.holds(one), far.holds(other)) {
            (true, false) => Some(hash(a, a)),
            (false, true) => Some(hash(b, b)),
            (false, false) => Some(hash(a, b)),
            // Either may be what a translation leaves alone.
            (true, true) => None,
        }
    }

    /// Whether a connection's answers are in another share than its first packet.
    pub(crate) fn parts(&self, original: &Tuple, reply: &Tuple) -> bool {
        let share = |tuple: &Tuple| self.pair(tuple.source(), tuple.destination());
        let original = share(original);
        original.is_none() || original != share(reply)
    }
}

impl Far {
    /// `None` where nothing is translated.
    fn of(input: EngineInput<'_>) -> Option<Self> {
        let translating: Vec<&Rule> = rules(input)
            .filter(|(table, rule)| *table == TableKind::Nat && translates(rule))
            .map(|(_, rule)| rule)
            .collect();
        if translating.is_empty() {
            return None;
        }
        let mut devices: Vec<Device> = translating.iter().filter_map(|rule| side(rule)).collect();
        if devices.is_empty() {
            // Most translate towards everywhere else.
            devices.push(toward(input.host, IpAddr::from([192, 0, 2, 1])));
        }
        let mut far = Self {
            host: input.host.clone(),
            devices,
            classes: None,
            recent: Recent::new(),
        };
        far.classes = far.classed();
        Some(far)
    }

    /// Asks once of each class of addresses.
    fn classed(&self) -> Option<(Classes, Vec<bool>)> {
        const MANY: usize = 4096;
        let mut routes = self.host.routes(Family::V4).iter();
        // Of several hops, a hash of the addresses takes one.
        if routes.any(|route| route.hops.len() > 1) {
            return None;
        }
        let classes = Classes::of(None, &self.host)?;
        let ones = classes.an_address_each();
        if ones.len() > MANY {
            return None;
        }
        let beyond = ones.iter().map(|one| self.is_beyond((*one).into()));
        let beyond = beyond.collect();
        Some((classes, beyond))
    }

    fn holds(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(short) => self.recent.answer(short, || self.holds_v4(short)),
            IpAddr::V6(_) => self.is_beyond(address),
        }
    }

    fn holds_v4(&self, address: Ipv4Addr) -> bool {
        let classed = self.classes.as_ref().and_then(|(classes, beyond)| {
            let class = classes.of_address(address);
            beyond.get(class as usize).copied()
        });
        classed.unwrap_or_else(|| self.is_beyond(address.into()))
    }

    fn is_beyond(&self, address: IpAddr) -> bool {
        !self.host.is_own(address) && self.devices.contains(&toward(&self.host, address))
    }
}

/// The rules of both families with their tables.
fn rules(input: EngineInput<'_>) -> impl Iterator<Item = (TableKind, &Rule)> {
    [input.v4, input.v6]
        .into_iter()
        .flatten()
        .flat_map(|ruleset: &Ruleset| ruleset.rules())
        .map(|(id, rule)| (id.table, rule))
}

/// The device that leads to an address.
fn toward(host: &Host, address: IpAddr) -> Device {
    let unspecified = match address {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    match host.route_output(&Flow::output(unspecified, address)) {
        OutputRoute::Out { way, .. } => way.device,
        OutputRoute::Drop(_) | OutputRoute::Unknown(_) => Device::Absent,
    }
}

const fn translates(rule: &Rule) -> bool {
    matches!(
        rule.target,
        Some(
            Target::Snat(_)
                | Target::Masquerade(_)
                | Target::Dnat(_)
                | Target::Redirect(_)
                | Target::Netmap(_)
        )
    )
}

/// The device that a rule translates at.
fn side(rule: &Rule) -> Option<Device> {
    let named = [rule.out_interface, rule.in_interface];
    let named = named.into_iter().flatten().find(|test| !test.inverted)?;
    let name = named.value.as_str();
    let name = netverdict_net::InterfaceName::new(name).ok()?;
    Some(Device::Named(name))
}

fn is_icmp_error(packet: &Packet<'_>, at: Layer4) -> bool {
    let Ok(&[kind]) = packet.array::<1>(at.offset) else {
        return false;
    };
    match at.protocol {
        Protocol::ICMP => matches!(kind, 3 | 4 | 5 | 11 | 12),
        // A redirect quotes a packet too, among its options.
        Protocol::ICMPV6 => kind < 128 || kind == 137,
        _ => false,
    }
}

const fn number(address: IpAddr) -> u128 {
    crate::conntrack::addr(address)
}

#[inline]
fn hash(a: u128, b: u128) -> u64 {
    match (u32::try_from(a), u32::try_from(b)) {
        // IPv4, in one word.
        (Ok(a), Ok(b)) => {
            let both = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
            FixedState::with_seed(0).hash_one(both)
        }
        _ => hash_long(a, b),
    }
}

#[inline(never)]
fn hash_long(a: u128, b: u128) -> u64 {
    FixedState::with_seed(0).hash_one((a.min(b), a.max(b)))
}

/// Whether a rule keeps nothing from one connection to another.
fn is_apart(rule: &Rule) -> bool {
    rule.matches.iter().all(keeps_nothing) && rule.target.as_ref().is_none_or(does_nothing_beside)
}

/// Whether a match looks at the packet, its connection and the host alone.
const fn keeps_nothing(test: &Match) -> bool {
    matches!(
        test,
        Match::Addrtype(_)
            | Match::Ah(_)
            | Match::Comment(_)
            | Match::Connbytes(_)
            | Match::Connlabel(_)
            | Match::Connmark(_)
            | Match::Conntrack(_)
            | Match::Dccp(_)
            | Match::Devgroup(_)
            | Match::Dscp(_)
            | Match::Dst(_)
            | Match::Ecn(_)
            | Match::Esp(_)
            | Match::Frag(_)
            | Match::Hbh(_)
            | Match::Hl(_)
            | Match::Icmp(_)
            | Match::Icmp6(_)
            | Match::Iprange(_)
            | Match::Ipv6header(_)
            | Match::Length(_)
            | Match::Mac(_)
            | Match::Mark(_)
            | Match::Multiport(_)
            | Match::Pkttype(_)
            | Match::Rpfilter(_)
            | Match::Sctp(_)
            | Match::String(_)
            | Match::Tcp(_)
            | Match::Tcpmss(_)
            | Match::Time(_)
            | Match::Tos(_)
            | Match::Ttl(_)
            | Match::U32(_)
            | Match::Udp(_)
    )
}

/// Whether a target changes the packet and its connection alone. Translations are watched one by one.
const fn does_nothing_beside(target: &Target) -> bool {
    match target {
        Target::Accept
        | Target::Drop
        | Target::Return
        | Target::Jump(_)
        | Target::Goto(_)
        | Target::Notrack
        | Target::Audit(_)
        | Target::Checksum(_)
        | Target::Classify(_)
        | Target::Connmark(_)
        | Target::Dnat(_)
        | Target::Dscp(_)
        | Target::Ecn(_)
        | Target::Hl(_)
        | Target::Log(_)
        | Target::Mark(_)
        | Target::Masquerade(_)
        | Target::Netmap(_)
        | Target::Nflog(_)
        | Target::Redirect(_)
        | Target::Reject(_)
        | Target::Snat(_)
        | Target::Tcpmss(_)
        | Target::Tcpoptstrip(_)
        | Target::Tos(_)
        | Target::Ttl(_) => true,
        Target::Ct(Ct {
            helper, timeout, ..
        }) => helper.is_none() && timeout.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Config;
    use crate::testing::{Rules, dump, router, router_facts};

    fn far(host: &Host) -> Far {
        let rules: Rules = dump(
            Family::V4,
            "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o eth0 -j MASQUERADE\nCOMMIT\n",
        );
        let input = EngineInput {
            v4: Some(rules.get()),
            v6: None,
            host,
            config: &Config::default(),
        };
        Far::of(input).unwrap()
    }

    #[test]
    fn where_a_hash_takes_a_hop_each_address_is_asked_for() {
        let mut facts = router_facts();
        let [route, _] = &mut facts.assumed_routes[..] else {
            panic!("two default routes");
        };
        route.hops.push(route.hops[0].clone());
        assert!(far(&Host::new(facts)).classes.is_none());
    }

    proptest! {
        /// What is asked of one address of a class holds of all.
        #[test]
        fn classes_say_what_routing_says(address: u32, near in -2..=2_i32) {
            let far = far(&router());
            prop_assert!(far.classes.is_some());
            let edges = [0, 0x0a00_0000, 0x0a00_0001, 0x0aff_ffff, 0xcb00_7100, 0xcb00_7101, 0xcb00_71ff];
            let all = edges.iter().map(|edge: &u32| edge.wrapping_add_signed(near));
            for address in all.chain([address]) {
                let address = Ipv4Addr::from_bits(address);
                prop_assert_eq!(far.holds_v4(address), far.is_beyond(address.into()), "{}", address);
            }
        }
    }
}
