//! A captured stream as a case: what a replay gave the engine, given to the kernel.

use std::io;

use netverdict_bundle::SourceKind;
use netverdict_capture::{Captures, Frame as CapturedFrame};
use netverdict_forge::random::packet::fix_v4;
use netverdict_host::{HostFacts, InterfaceKind, Route};
use netverdict_net::{
    AddrMask, Device, Family, InterfaceName, Link, LinkKind, MacAddr, PacketType,
};
use netverdict_replay::{Fate, Options, Record, ReplayError, Session, Setup, Sink};
use netverdict_ruleset::{Backend as RulesBackend, Ruleset, Save};

use crate::model::Rules;
use crate::random::Compared;
use crate::rig::{Backend, Direction, Pace};
use crate::{Case, Frame, RigError, random};

/// Why captures could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ConformError {
    /// The model's side.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The kernel's side.
    #[error(transparent)]
    Rig(#[from] RigError),
}

/// A comparison over captures.
#[derive(Debug)]
pub struct Conformed {
    /// The two sides.
    pub compared: Compared,
    /// For each frame of the case, its position in the stream of captures.
    pub positions: Vec<u64>,
    /// What the rules leave to chance, so that the two may differ and both be right.
    pub chance: Vec<String>,
    /// Positions that cannot be put through a kernel, each with the reason.
    pub left_out: Vec<(u64, &'static str)>,
}

/// Puts captures through the kernel and the model, on the host of `setup`.
pub fn conform(setup: &Setup, captures: Captures, pace: Pace) -> Result<Conformed, ConformError> {
    let mut taken = Taken::default();
    Session::new(setup, Options::default()).run(captures, &mut taken, &mut (), &|_| ())?;
    let dump = |family| {
        let ruleset = setup.ruleset(family)?;
        Some(Save::without_counters(ruleset).to_string())
    };
    let sets = setup.bundle.source(SourceKind::Ipset);
    let timeouts = setup.bundle.source(SourceKind::Timeouts);
    let facts = crate::rig::without_limits(with_addresses(with_ways(setup)));
    let case = Case {
        v4: dump(Family::V4),
        v6: dump(Family::V6),
        ipset: sets.map(|(_, source)| source.text().into_owned()),
        timeouts: timeouts.map(|(_, source)| source.text().into_owned()),
        backend: backend(setup),
        frames: taken
            .packets
            .iter()
            .map(|packet| packet.frame(&facts))
            .collect(),
        facts,
    };
    let rules = Rules {
        v4: setup.ruleset(Family::V4).cloned(),
        v6: setup.ruleset(Family::V6).cloned(),
        fingerprints: None,
    };
    let kernel = case.run(pace)?;
    Ok(Conformed {
        compared: random::judge_by(case, kernel, &rules)?,
        positions: taken.packets.iter().map(|packet| packet.position).collect(),
        left_out: taken.left_out,
        chance: chance(&setup.rulesets),
    })
}

/// The rules that draw random numbers, as text.
fn chance(rulesets: &[Ruleset]) -> Vec<String> {
    let text = |ruleset| Save::without_counters(ruleset).to_string();
    let draws = |line: &&str| {
        let words = ["--mode random", "--random"];
        line.starts_with("-A") && words.iter().any(|word| line.contains(word))
    };
    let lines = rulesets.iter().map(text).collect::<String>();
    lines.lines().filter(draws).map(str::to_owned).collect()
}

/// Every Ethernet interface gets a link-layer address, so that both sides know the same one.
fn with_addresses(mut facts: HostFacts) -> HostFacts {
    for (place, interface) in facts.interfaces.iter_mut().enumerate() {
        if interface.kind == InterfaceKind::Ethernet {
            interface.mac = crate::rig::mac(interface, place);
        }
    }
    facts
}

/// The families whose routes nobody gave or assumed, and the device by which the compared hosts send what is not connected.
pub fn assumed_ways(setup: &Setup) -> Vec<(Family, InterfaceName)> {
    let facts = setup.inferred.host.facts();
    let mut names = facts.interfaces.iter().filter(|i| !i.is_loopback());
    let Some(first) = names.next().map(|interface| interface.name) else {
        return Vec::new();
    };
    let known = |family: &Family| {
        let given = match family {
            Family::V4 => &facts.routes_v4,
            Family::V6 => &facts.routes_v6,
        };
        let default = AddrMask::any(*family);
        let mut assumed = facts.assumed_routes.iter();
        given.is_some() || assumed.any(|route| route.destination == default)
    };
    let open = Family::ALL.into_iter().filter(|family| !known(family));
    open.map(|family| (family, first)).collect()
}

/// A kernel has routes or drops: both sides get one more where they are not known.
fn with_ways(setup: &Setup) -> HostFacts {
    let mut facts = setup.inferred.host.facts().clone();
    let ways = assumed_ways(setup).into_iter();
    let routes = ways.map(|(family, name)| Route::new(AddrMask::any(family)).via(name, None));
    facts.assumed_routes.extend(routes);
    facts
}

/// Who restores: the program that printed the dumps, or the one that the user names.
fn backend(setup: &Setup) -> Backend {
    let printed = setup.rulesets.iter().find_map(|r| r.backend);
    match setup.config.backend.or(printed) {
        Some(RulesBackend::Nft) => Backend::Nft,
        _ => Backend::Legacy,
    }
}

/// What the engine was given, in order.
#[derive(Debug, Default)]
struct Taken {
    packets: Vec<Entered>,
    left_out: Vec<(u64, &'static str)>,
}

/// One packet and where it entered.
#[derive(Debug)]
struct Entered {
    position: u64,
    time: netverdict_net::Timestamp,
    /// `None` if this host sent it.
    arrived: Option<InterfaceName>,
    link: Link,
    bytes: Vec<u8>,
}

impl Sink for Taken {
    type Item = Option<(Link, Vec<u8>)>;

    fn render(&self, _: &Record, frame: &CapturedFrame<'_>) -> Self::Item {
        let packet = frame.packet()?.ok()?;
        packet
            .is_whole()
            .then(|| (packet.link, packet.captured().to_vec()))
    }

    fn take(&mut self, record: &Record, item: Self::Item) -> io::Result<()> {
        if matches!(record.fate, Fate::Evidence | Fate::Skipped) {
            return Ok(());
        }
        let loopback = InterfaceName::loopback();
        let arrived = match record.in_device {
            Device::Named(name) if name != loopback => Some(name),
            Device::Named(_) | Device::Absent => None,
            Device::Unknown => {
                self.left_out
                    .push((record.position, "its interface is not known"));
                return Ok(());
            }
        };
        if arrived.is_some() && record.out_device == Device::Unknown {
            self.left_out
                .push((record.position, "its way out is not known"));
            return Ok(());
        }
        match item {
            Some((_, bytes)) if arrived.is_none() && has_no_source(&bytes) => self
                .left_out
                .push((record.position, "no socket sends from no address")),
            Some((link, bytes)) => self.packets.push(Entered {
                position: record.position,
                time: record.time,
                arrived,
                link,
                bytes,
            }),
            None => self
                .left_out
                .push((record.position, "not all of it was captured")),
        }
        Ok(())
    }
}

/// Whether an IPv4 packet is from 0.0.0.0, which a raw socket fills in.
fn has_no_source(packet: &[u8]) -> bool {
    packet.first().is_some_and(|b| b >> 4 == 4) && packet.get(12..16) == Some(&[0; 4])
}

/// The packet as a raw socket sends it: the IPv4 header's checksum, which a device may have filled in behind the
/// capture, is right, and nothing is behind the end of its options (`raw_send_hdrinc`).
fn as_sent(bytes: &[u8]) -> Vec<u8> {
    const FIXED: usize = 20;
    let mut packet = bytes.to_vec();
    if packet.first().is_none_or(|b| b >> 4 != 4) {
        return packet;
    }
    let header = usize::from(packet[0] & 15) * 4;
    if let Some(options) = packet.get_mut(FIXED..header) {
        let mut at = 0;
        while let Some(kind) = options.get(at) {
            at += match kind {
                0 => {
                    options[at..].fill(0);
                    break;
                }
                1 => 1,
                _ => usize::from(options.get(at + 1).copied().unwrap_or(0)).max(2),
            };
        }
    }
    fix_v4(&mut packet);
    packet
}

impl Entered {
    fn frame(&self, facts: &HostFacts) -> Frame {
        let own = |name: &InterfaceName| {
            let interface = facts.interfaces.iter().find(|i| i.name == *name)?;
            interface
                .mac
                .filter(|_| interface.kind == InterfaceKind::Ethernet)
        };
        let bytes = match self.arrived.as_ref().and_then(own) {
            Some(mac) => self.ethernet(mac),
            None if self.arrived.is_none() => as_sent(&self.bytes),
            None => self.bytes.clone(),
        };
        Frame {
            time: self.time,
            interface: self.arrived,
            direction: if self.arrived.is_some() {
                Direction::In
            } else {
                Direction::Out
            },
            bytes,
        }
    }

    /// The frame as it would have come: the capture's link header where it had one, a fitting one where it had none.
    fn ethernet(&self, own: MacAddr) -> Vec<u8> {
        const SOMEBODY: MacAddr = MacAddr([2, 0x6e, 0x76, 0, 0xff, 1]);
        const ANOTHER: MacAddr = MacAddr([2, 0x6e, 0x76, 0, 0xff, 2]);
        let captured = self
            .link
            .destination
            .filter(|_| self.link.kind == LinkKind::Ethernet);
        let destination = match self.link.packet_type {
            PacketType::Host | PacketType::Outgoing => own,
            PacketType::Broadcast => MacAddr::BROADCAST,
            PacketType::Multicast => captured.unwrap_or(MacAddr([1, 0, 0x5e, 0, 0, 1])),
            PacketType::OtherHost => captured.filter(|mac| *mac != own).unwrap_or(ANOTHER),
        };
        let source = self.link.source.unwrap_or(SOMEBODY);
        netverdict_forge::random::packet::ethernet(destination, source, &self.bytes)
    }
}
