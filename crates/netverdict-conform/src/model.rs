//! The model's side of a case: the same frames through the engine, at the times at which the kernel saw them.

use netverdict_engine::{
    About, Checksums, Config, ConnectionView, Engine, EngineInput, Entry, Fact, Facts, Input,
    NullObserver, Outcome, OwnerFact, PolicyFact, TproxyFact,
};
use netverdict_host::{Host, Interface, Role};
use netverdict_net::{Device, Family, Link, LinkKind, MacAddr, Packet, PacketType};
use netverdict_ruleset::fingerprints::Fingerprint;
use netverdict_ruleset::{Backend as RulesBackend, Ruleset, Save};
use netverdict_syntax::{parse_sets, parse_timeouts};

use crate::kernel::iptables_version;
use crate::rig::{Backend, Counters, Direction, Observation};
use crate::{Case, Frame, KernelRun, RigError};

/// The rules of a case, read.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Of `iptables-save`.
    pub v4: Option<Ruleset>,
    /// Of `ip6tables-save`.
    pub v6: Option<Ruleset>,
    /// What `osf` compares with. The rig loads none: the kernel has one list for all its namespaces.
    pub fingerprints: Option<Vec<Fingerprint>>,
}

/// What the model made of a case.
#[derive(Debug)]
pub struct ModelRun {
    /// What became of each frame; `None` for one that is no packet to netfilter.
    pub outcomes: Vec<Option<Outcome>>,
    /// The counters of each loaded family at the end.
    pub counters: Vec<(Family, Counters)>,
    /// The connection table when the kernel's was read.
    pub connections: Vec<ConnectionView>,
}

/// What is so in a network namespace of its own, where nothing but rules, addresses and routes was set up.
pub fn namespace_facts(host: &Host) -> Facts {
    let fact = |about, text: &str| Fact {
        about,
        flow: None,
        text: text.to_owned(),
    };
    let none = PolicyFact {
        out: None,
        states: Vec::new(),
    };
    let root = OwnerFact {
        exists: true,
        uid: Some(0),
        gid: Some(0),
        groups: None,
    };
    let mut facts = vec![
        fact(About::Policy(none), "policy none"),
        fact(About::Ipvs(None), "ipvs none"),
        fact(About::Socket(None), "socket none"),
        fact(About::Tproxy(TproxyFact::None), "TPROXY none"),
        // Whoever sends is root: a raw socket takes no less.
        fact(About::Owner(root), "owner uid 0 gid 0"),
        // No fingerprints are loaded there.
        fact(
            About::Match {
                name: "osf".to_owned(),
                subject: None,
                holds: false,
            },
            "osf no-match",
        ),
    ];
    if !host.has_realms(Family::V4) {
        facts.push(fact(About::Realm(0), "realm 0"));
    }
    Facts::new(facts)
}

/// Takes a case through the model, at the times of the kernel's run and without the frames that no hook ever saw.
pub fn run(case: &Case, rules: &Rules, kernel: &KernelRun) -> Result<ModelRun, RigError> {
    let host = Host::new(case.host());
    let config = Config {
        backend: Some(match case.backend {
            Backend::Legacy => RulesBackend::Legacy,
            Backend::Nft => RulesBackend::Nft,
        }),
        // A TAP device checks nothing, and a raw socket vouches for nothing.
        checksums: Checksums::Verify,
        // Nor does it merge.
        merged: false,
        facts: namespace_facts(&host),
        ..Config::default()
    };
    // Whatever printed the dump: this version made the kernel's rules of it.
    let version = iptables_version();
    let loaded = |rules: &Option<Ruleset>| rules.clone().map(|rules| Ruleset { version, ..rules });
    let (v4, v6) = (loaded(&rules.v4), loaded(&rules.v6));
    let mut engine = Engine::new(EngineInput {
        v4: v4.as_ref(),
        v6: v6.as_ref(),
        host: &host,
        config: &config,
    });
    if let Some(text) = &case.ipset {
        engine.give_sets(&parse_sets(text.as_bytes()).sets);
    }
    if let Some(text) = &case.timeouts {
        engine.give_timeouts(&parse_timeouts(text.as_bytes()).policies);
    }
    if let Some(fingerprints) = &rules.fingerprints {
        engine.give_fingerprints(fingerprints);
    }
    let mut step = |(frame, seen): (&Frame, &Observation)| {
        let (packet, entry) = enter(&host, frame).filter(|_| seen.refused.is_none())?;
        let input = Input {
            packet,
            time: seen.at,
            entry,
        };
        Some(engine.step(input, &mut NullObserver))
    };
    let outcomes = case
        .frames
        .iter()
        .zip(&kernel.seen)
        .map(&mut step)
        .collect();
    let families = [(Family::V4, &rules.v4), (Family::V6, &rules.v6)];
    let counted = families.into_iter().filter_map(|(family, rules)| {
        let counted = engine.count_into(rules.as_ref()?);
        let text = Save::with_own_counters(&counted).to_string();
        Some(Counters::parse(family, &text).map(|counters| (family, counters)))
    });
    Ok(ModelRun {
        outcomes,
        counters: counted.collect::<Result<_, RigError>>()?,
        connections: engine.connections_at(kernel.listed),
    })
}

/// A frame as the engine takes it; `None` if it is no packet that a hook would see.
pub fn enter<'f>(host: &Host, frame: &'f Frame) -> Option<(Packet<'f>, Entry)> {
    let device = frame.interface.map_or(Device::Unknown, Device::Named);
    match frame.direction {
        Direction::Out => {
            let packet = Packet::new(&frame.bytes, frame.bytes.len(), Link::default()).ok()?;
            Some((packet, Entry::Output { out_device: device }))
        }
        Direction::In => {
            let interface = host.interface(&frame.interface?)?;
            let (link, bytes) = unwrap_link(interface, &frame.bytes)?;
            let packet = Packet::new(bytes, bytes.len(), link).ok()?;
            Some(over_bridge(host, interface, packet))
        }
    }
}

/// What came by a bridge's port came by the bridge, and is for this host if it is for the bridge.
fn over_bridge<'f>(
    host: &Host,
    interface: &Interface,
    mut packet: Packet<'f>,
) -> (Packet<'f>, Entry) {
    let bridge = interface.master.and_then(|master| host.interface(&master));
    let Some(bridge) = bridge.filter(|bridge| bridge.role == Role::Bridge) else {
        let in_device = Device::Named(interface.name);
        return (packet, Entry::Prerouting { in_device });
    };
    if packet.link.destination.is_some() && packet.link.destination == bridge.mac {
        packet.link.packet_type = PacketType::Host;
    }
    packet.link.port = Some(interface.name);
    let in_device = Device::Named(bridge.name);
    (packet, Entry::Prerouting { in_device })
}

/// The link layer and the bytes behind it. What says it is IPv4 must be, as the handlers of each ethertype ask.
fn unwrap_link<'f>(interface: &Interface, frame: &'f [u8]) -> Option<(Link, &'f [u8])> {
    let Some(own) = interface.mac else {
        return Some((Link::default(), frame));
    };
    let (header, packet) = frame.split_first_chunk::<14>()?;
    let mac = |at: usize| header.get(at..)?.first_chunk().copied().map(MacAddr);
    let version = match header.last_chunk::<2>()? {
        [0x08, 0x00] => 4,
        [0x86, 0xdd] => 6,
        _ => return None,
    };
    if packet.first()? >> 4 != version {
        return None;
    }
    let (destination, source) = (mac(0)?, mac(6)?);
    let packet_type = match destination {
        MacAddr::BROADCAST => PacketType::Broadcast,
        group if group.is_multicast() => PacketType::Multicast,
        mac if mac == own => PacketType::Host,
        _ => PacketType::OtherHost,
    };
    let link = Link {
        kind: LinkKind::Ethernet,
        source: Some(source),
        destination: Some(destination),
        packet_type,
        port: None,
    };
    Some((link, packet))
}
