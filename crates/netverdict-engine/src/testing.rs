//! What tests build packets, rules and engines of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_host::{Host, HostFacts, Interface, Route};
use netverdict_net::{
    AddrMask, Device, Family, InterfaceName, InterfacePattern, Link, Packet, Protocol, Timestamp,
    checksum,
};
use netverdict_ruleset::{
    Chain, ChainId, ChainKind, Counters, Hook, Invertible, Policy, Rule, Ruleset, Table, TableKind,
    Target,
};

use crate::{
    Config, Engine, EngineInput, Entry, Input, NullObserver, Outcome, RuleNumber, RuleRef,
};

/// An IPv4 packet with a right header checksum.
pub(crate) fn ipv4(source: &str, destination: &str, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol.0, 0, 0];
    bytes.extend(source.parse::<Ipv4Addr>().unwrap().octets());
    bytes.extend(destination.parse::<Ipv4Addr>().unwrap().octets());
    bytes.extend(payload);
    let total = bytes.len() as u16;
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    seal_v4(&mut bytes);
    bytes
}

/// Makes an IPv4 header's checksum right again.
pub(crate) fn seal_v4(bytes: &mut [u8]) {
    bytes[10..12].copy_from_slice(&[0, 0]);
    let sum = checksum::finish(checksum::sum(&bytes[..20], 0));
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// An IPv6 packet whose payload starts with a header of type `next`.
pub(crate) fn ipv6(source: &str, destination: &str, next: Protocol, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next.0, 64]);
    bytes.extend(source.parse::<Ipv6Addr>().unwrap().octets());
    bytes.extend(destination.parse::<Ipv6Addr>().unwrap().octets());
    bytes.extend(payload);
    bytes
}

/// A TCP segment without options or data, its checksum right between these addresses.
pub(crate) fn tcp(source: &str, destination: &str, ports: (u16, u16), flags: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend(1000u32.to_be_bytes());
    bytes.extend(if flags & 16 == 0 { 0u32 } else { 7 }.to_be_bytes());
    bytes.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
    seal(&mut bytes, source, destination, Protocol::TCP, 16);
    bytes
}

/// A UDP datagram, its checksum right between these addresses.
pub(crate) fn udp(source: &str, destination: &str, ports: (u16, u16), data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(ports.0.to_be_bytes());
    bytes.extend(ports.1.to_be_bytes());
    bytes.extend((8 + data.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(data);
    seal(&mut bytes, source, destination, Protocol::UDP, 6);
    bytes
}

fn seal(bytes: &mut [u8], source: &str, destination: &str, protocol: Protocol, at: usize) {
    let (source, destination): (IpAddr, IpAddr) =
        (source.parse().unwrap(), destination.parse().unwrap());
    let pseudo = checksum::pseudo_header(source, destination, protocol, bytes.len() as u32);
    let sum = checksum::finish(checksum::sum(bytes, pseudo));
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// A whole TCP packet.
pub(crate) fn tcp_packet(source: &str, destination: &str, ports: (u16, u16), flags: u8) -> Vec<u8> {
    let segment = tcp(source, destination, ports, flags);
    match source.parse::<IpAddr>().unwrap() {
        IpAddr::V4(_) => ipv4(source, destination, Protocol::TCP, &segment),
        IpAddr::V6(_) => ipv6(source, destination, Protocol::TCP, &segment),
    }
}

/// A whole UDP packet.
pub(crate) fn udp_packet(
    source: &str,
    destination: &str,
    ports: (u16, u16),
    data: &[u8],
) -> Vec<u8> {
    let datagram = udp(source, destination, ports, data);
    match source.parse::<IpAddr>().unwrap() {
        IpAddr::V4(_) => ipv4(source, destination, Protocol::UDP, &datagram),
        IpAddr::V6(_) => ipv6(source, destination, Protocol::UDP, &datagram),
    }
}

pub(crate) fn device(name: &str) -> Device {
    Device::Named(InterfaceName::new(name).unwrap())
}

/// A router: eth0 is 203.0.113.1/24 and 2001:db8::1/64 with the default routes, eth1 10.0.0.1/8 and 2001:db8:1::1/64.
pub(crate) fn router() -> Host {
    Host::new(router_facts())
}

/// What [`router`] is compiled from.
pub(crate) fn router_facts() -> HostFacts {
    let interface = |name: &str, addresses: [(&str, u8); 2]| {
        let mut interface = Interface::new(InterfaceName::new(name).unwrap());
        for (address, len) in addresses {
            interface.add(netverdict_host::Address::new(address.parse().unwrap(), len));
        }
        interface
    };
    let eth0 = InterfaceName::new("eth0").unwrap();
    let mut facts = HostFacts {
        interfaces: vec![
            Interface::loopback(),
            interface("eth0", [("203.0.113.1", 24), ("2001:db8::1", 64)]),
            interface("eth1", [("10.0.0.1", 8), ("2001:db8:1::1", 64)]),
        ],
        addresses_known: true,
        ..HostFacts::default()
    };
    for (family, gateway) in [(Family::V4, "203.0.113.254"), (Family::V6, "2001:db8::fe")] {
        let route = Route::new(AddrMask::any(family)).via(eth0, Some(gateway.parse().unwrap()));
        facts.assumed_routes.push(route);
    }
    for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
        facts.sysctls.set(setting).unwrap();
    }
    facts
}

/// Rules of one table, written chain by chain.
pub(crate) struct Rules(Ruleset);

impl Rules {
    pub(crate) fn v4() -> Self {
        Self(Ruleset::new(Family::V4))
    }

    pub(crate) fn v6() -> Self {
        Self(Ruleset::new(Family::V6))
    }

    pub(crate) const fn get(&self) -> &Ruleset {
        &self.0
    }

    fn table(&mut self, kind: TableKind) -> &mut Table {
        if self.0.table(kind).is_none() {
            self.0.tables.push(Table::new(kind));
        }
        self.0.tables.iter_mut().find(|t| t.kind == kind).unwrap()
    }

    /// Adds a user chain.
    pub(crate) fn chain(mut self, kind: TableKind, name: &str) -> Self {
        self.table(kind).chains.push(Chain::user(name, 0));
        self
    }

    /// Sets a policy, which makes the table exist.
    pub(crate) fn policy(mut self, kind: TableKind, hook: Hook, policy: Policy) -> Self {
        let table = self.table(kind);
        let chain = table.base(hook).unwrap();
        table.chains[chain.index()].kind = ChainKind::Base {
            hook,
            policy,
            counters: Counters::default(),
        };
        self
    }

    /// Appends a rule.
    pub(crate) fn rule(mut self, kind: TableKind, chain: &str, rule: Rule) -> Self {
        let table = self.table(kind);
        let chain = table.find(chain).unwrap();
        table.chains[chain.index()].rules.push(rule);
        self
    }

    /// Appends a rule with nothing but a target.
    pub(crate) fn target(self, kind: TableKind, chain: &str, target: Target) -> Self {
        self.rule(
            kind,
            chain,
            Rule {
                target: Some(target),
                ..Rule::default()
            },
        )
    }

    /// Appends a jump or goto.
    pub(crate) fn jump(mut self, kind: TableKind, chain: &str, to: &str, goto: bool) -> Self {
        let to = self.id(kind, to);
        self.target(
            kind,
            chain,
            if goto {
                Target::Goto(to)
            } else {
                Target::Jump(to)
            },
        )
    }

    fn id(&mut self, kind: TableKind, chain: &str) -> ChainId {
        self.table(kind).find(chain).unwrap()
    }
}

pub(crate) fn interface(name: &str) -> Option<Invertible<InterfacePattern>> {
    Some(Invertible::plain(InterfacePattern::new(name).unwrap()))
}

pub(crate) fn not_interface(name: &str) -> Option<Invertible<InterfacePattern>> {
    Some(Invertible::inverted(InterfacePattern::new(name).unwrap()))
}

pub(crate) fn net(text: &str) -> Option<Invertible<AddrMask>> {
    let family = if text.contains(':') {
        Family::V6
    } else {
        Family::V4
    };
    Some(Invertible::plain(AddrMask::parse(family, text).unwrap()))
}

/// An engine under test.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    set: Ruleset,
    /// Seconds, one less than the next packet's.
    pub(crate) time: i64,
}

impl Bench {
    pub(crate) fn new(rules: Rules) -> Self {
        Self::with(rules, &Config::default())
    }

    pub(crate) fn with(rules: Rules, config: &Config) -> Self {
        Self::on(rules, config, &router())
    }

    pub(crate) fn on(rules: Rules, config: &Config, host: &Host) -> Self {
        let set = rules.0;
        let (v4, v6) = match set.family {
            Family::V4 => (Some(&set), None),
            Family::V6 => (None, Some(&set)),
        };
        let engine = Engine::new(EngineInput {
            v4,
            v6,
            host,
            config,
        });
        Self {
            engine,
            set,
            time: 0,
        }
    }

    /// A packet that comes in, one second after the one before.
    pub(crate) fn receive(&mut self, in_device: Device, bytes: &[u8]) -> Outcome {
        self.step(Entry::Prerouting { in_device }, bytes, bytes.len())
    }

    /// A packet made here.
    pub(crate) fn send(&mut self, out_device: Device, bytes: &[u8]) -> Outcome {
        self.step(Entry::Output { out_device }, bytes, bytes.len())
    }

    pub(crate) fn step(&mut self, entry: Entry, bytes: &[u8], on_wire: usize) -> Outcome {
        self.time += 1;
        let input = Input {
            packet: Packet::new(bytes, on_wire, Link::default()).unwrap(),
            time: Timestamp::new(self.time, 0),
            entry,
        };
        self.engine.step(input, &mut NullObserver)
    }

    /// A rule by chain name and number; number 0 is the policy.
    pub(crate) fn rule(&self, table: TableKind, chain: &str, number: u32) -> RuleRef {
        RuleRef {
            family: self.set.family,
            table,
            chain: self.set.table(table).unwrap().find(chain).unwrap().0,
            number: match number {
                0 => RuleNumber::Policy,
                n => RuleNumber::Rule(n),
            },
        }
    }

    /// What a rule counted: packets and bytes.
    pub(crate) fn count(&self, table: TableKind, chain: &str, number: u32) -> (u64, u64) {
        let counters = self
            .engine
            .counter(self.rule(table, chain, number))
            .unwrap();
        (counters.packets, counters.bytes)
    }

    /// What the rules of a chain and its policy counted: packets only, the policy last.
    pub(crate) fn packets(&self, table: TableKind, chain: &str) -> Vec<u64> {
        let id = self.set.table(table).unwrap().find(chain).unwrap();
        let rules = self.set.table(table).unwrap().chains[id.index()]
            .rules
            .len() as u32;
        (1..=rules)
            .chain([0])
            .map(|n| self.count(table, chain, n).0)
            .collect()
    }
}

/// The rules of a dump.
pub(crate) fn dump(family: Family, text: &str) -> Rules {
    let options = netverdict_syntax::ParseOptions {
        family: Some(family),
    };
    let dump = netverdict_syntax::parse_dump(text.as_bytes(), &options);
    let errors: Vec<_> = dump.diagnostics.iter().filter(|d| d.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    Rules(dump.ruleset(family).unwrap().clone())
}
