//! What the engine remembers and passes over changes nothing: it says of random packets what it says when every packet
//! meets every rule. No kernel is asked. `NETVERDICT_SEEDS=first..end` asks for a range of its own.

#[path = "shortcuts/crowd.rs"]
mod crowd;

use std::collections::HashMap;

use crowd::Crowd;
use netverdict_conform::model::enter;
use netverdict_conform::rig::Direction;
use netverdict_conform::{Case, Frame, random};
use netverdict_engine::{
    Config, Engine, EngineInput, Entry, Fate, Foreseen, Glance, Input, NullObserver, Outcome, Sum,
    Tried, UnknownPolicy, Vantage,
};
use netverdict_forge::random as forge;
use netverdict_forge::random::{Network, Traffic, Vocabulary};
use netverdict_host::Host;
use netverdict_net::{Family, Packet, Timestamp, checksum, header};
use netverdict_ruleset::{Backend, ChainKind, Ruleset, Target};

/// Frames of a case, each round of them.
const FRAMES: usize = 150;
/// Rulesets whose rules are put into one, so that chains are long.
const LAYERS: u64 = 12;

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("NETVERDICT_SEEDS").ok().and_then(|text| {
        let (first, end) = text.split_once("..")?;
        Some(first.parse().ok()?..end.parse().ok()?)
    });
    asked.unwrap_or(0..40)
}

fn parse(seed: u64, family: Family, network: &Network, words: &Vocabulary) -> Option<Ruleset> {
    let dump = Some(forge::ruleset(seed, family, network, words));
    let case = Case {
        facts: network.facts(),
        v4: dump.clone().filter(|_| family == Family::V4),
        v6: dump.filter(|_| family == Family::V6),
        ipset: None,
        timeouts: None,
        backend: netverdict_conform::rig::Backend::Legacy,
        frames: Vec::new(),
    };
    let rules = random::read(&case).ok()?;
    rules.v4.or(rules.v6)
}

/// Rules of several rulesets in the chains of the first, but those that lead to chains of their own.
fn long(seed: u64, family: Family, network: &Network, words: &Vocabulary) -> Option<Ruleset> {
    let mut rules = parse(seed, family, network, words)?;
    for layer in 1..LAYERS {
        let Some(more) = parse(seed + layer * 1_000_003, family, network, words) else {
            continue;
        };
        for table in &mut rules.tables {
            let others = more.table(table.kind);
            for chain in &mut table.chains {
                let others = others.into_iter().flat_map(|t| &t.chains);
                let same = others.filter(|other| {
                    other.name == chain.name && matches!(other.kind, ChainKind::Base { .. })
                });
                let added = same.flat_map(|other| other.rules.clone());
                let ends = |target: &Option<Target>| {
                    !matches!(target, Some(Target::Jump(_) | Target::Goto(_)))
                };
                chain.rules.extend(added.filter(|rule| ends(&rule.target)));
            }
        }
    }
    Some(rules)
}

/// What a look at a packet tells of its checksum beforehand.
fn found(packet: &Packet<'_>) -> Sum {
    let (protocol, offset, is_fragment) = match packet.family() {
        Family::V4 => {
            let (offset, more) = header::ipv4_fragment(packet);
            let at = header::network_header_len(packet);
            (header::next_protocol(packet), at, offset != 0 || more)
        }
        Family::V6 => match header::ipv6::skip(packet) {
            Ok(found) => (found.protocol, found.offset, found.fragment_offset != 0),
            Err(_) => return Sum::Unknown,
        },
    };
    if !is_fragment && checksum::is_right(packet, protocol, offset) {
        Sum::Right
    } else {
        Sum::Unknown
    }
}

/// The same packets, thrice: each met by every rule, each of which something is said, and only counted.
struct Trio {
    plain: Engine,
    short: Engine,
    counting: Engine,
    host: Host,
    /// What the last foresaw of each frame when it came before: much may have happened since.
    foreseen: HashMap<Vec<u8>, Foreseen>,
    /// How many it counted without a walk.
    glimpsed: usize,
}

impl Trio {
    /// As a count takes a packet.
    fn count(&mut self, frame: &Frame, time: Timestamp) -> Option<()> {
        let (packet, entry) = enter(&self.host, frame)?;
        let sum = found(&packet);
        let glance = Glance::of(&packet).filter(|_| matches!(entry, Entry::Prerouting { .. }));
        let at = Vantage {
            entry,
            packet_type: packet.link.packet_type,
        };
        let mut tried = Tried::default();
        let passed = glance.and_then(|glance| {
            let bytes = packet.captured();
            let mut foreseen = self.counting.foresee(&glance);
            self.counting.approach(&mut foreseen);
            let before = self.foreseen.insert(frame.bytes.clone(), foreseen);
            let foreseen = before.unwrap_or(foreseen);
            let engine = &mut self.counting;
            engine.glimpse(&glance, foreseen, bytes, time, &at, &mut tried)
        });
        let input = Input {
            packet,
            time,
            entry,
        };
        if passed.is_some() {
            self.glimpsed += 1;
        } else if glance.is_some() {
            self.counting
                .step_tried(input, sum, tried, &mut NullObserver);
        } else {
            self.counting.step_known(input, sum, &mut NullObserver);
        }
        Some(())
    }

    fn step(&mut self, frame: &Frame, time: Timestamp, at: &str) -> Option<Outcome> {
        let one = |engine: &mut Engine, is_told: bool| {
            let (packet, entry) = enter(&self.host, frame)?;
            let sum = if is_told {
                found(&packet)
            } else {
                Sum::Unknown
            };
            let input = Input {
                packet,
                time,
                entry,
            };
            Some(engine.step_known(input, sum, &mut NullObserver))
        };
        let plain = one(&mut self.plain, false);
        let short = one(&mut self.short, true);
        assert_eq!(format!("{plain:?}"), format!("{short:?}"), "{at}");
        self.count(frame, time);
        plain
    }

    /// Whether all counted the same and know the same connections.
    fn agree(&self, seed: u64, rules: &[Option<Ruleset>; 2]) {
        for rules in rules.iter().flatten() {
            let plain = self.plain.count_into(rules);
            for (engine, what) in [(&self.short, "stepping"), (&self.counting, "counting")] {
                assert_eq!(
                    plain,
                    engine.count_into(rules),
                    "seed {seed}: counters {what}"
                );
            }
        }
        let plain = format!("{:?}", self.plain.connections());
        for (engine, what) in [(&self.short, "stepping"), (&self.counting, "counting")] {
            let other = format!("{:?}", engine.connections());
            assert_eq!(plain, other, "seed {seed}: connections {what}");
        }
    }
}

/// Three engines under the same random rules, and the rules.
fn trio(
    seed: u64,
    network: &Network,
    words: &Vocabulary,
    long_chains: bool,
) -> (Trio, [Option<Ruleset>; 2]) {
    let host = Host::new(network.facts());
    let rules = Family::ALL.map(|family| {
        if long_chains {
            long(seed, family, network, words)
        } else {
            parse(seed, family, network, words)
        }
    });
    let backend = if seed.is_multiple_of(2) {
        Backend::Legacy
    } else {
        Backend::Nft
    };
    let engine = |plain, keep_egress| {
        Engine::new(EngineInput {
            v4: rules[0].as_ref(),
            v6: rules[1].as_ref(),
            host: &host,
            config: &Config {
                seed,
                backend: Some(backend),
                merged: seed.is_multiple_of(5),
                unknown: if seed.is_multiple_of(7) {
                    UnknownPolicy::Match
                } else {
                    UnknownPolicy::NoMatch
                },
                plain,
                keep_egress,
                ..Config::default()
            },
        })
    };
    let mut trio = Trio {
        plain: engine(true, true),
        short: engine(false, true),
        counting: engine(false, false),
        host: host.clone(),
        foreseen: HashMap::new(),
        glimpsed: 0,
    };
    trio.counting.forget_flows();
    (trio, rules)
}

/// How many packets took a remembered path.
fn hold(seed: u64, words: &Vocabulary, long_chains: bool) -> usize {
    let network = Network::new(seed);
    let (mut trio, rules) = trio(seed, &network, words, long_chains);
    let mut traffic = Traffic::new(seed, &network, &Family::ALL, words);
    let mut frames = Vec::new();
    while let Some(drawn) = traffic.next_frame().filter(|_| frames.len() < FRAMES) {
        let frame = Frame {
            time: drawn.time,
            interface: drawn.interface,
            direction: match drawn.direction {
                forge::Direction::In => Direction::In,
                forge::Direction::Out => Direction::Out,
            },
            bytes: drawn.bytes,
        };
        let outcome = trio.step(
            &frame,
            frame.time,
            &format!("seed {seed} frame {}", frames.len()),
        );
        let left = outcome.as_ref().and_then(|o| Some((o, o.egress.as_ref()?)));
        let name = left.and_then(|(o, _)| o.out_device.name().copied());
        let away = left.filter(|(o, _)| o.fate != Fate::Local).zip(name);
        let away = away
            .as_ref()
            .map(|((_, e), name)| (name.as_str(), e.captured()));
        let here = left.filter(|(o, _)| o.fate == Fate::Local);
        traffic.observe(away, here.map(|(_, e)| e.captured()));
        frames.push(frame);
    }
    // Again and again: now the connections are known.
    let last = frames.last().map_or(Timestamp(0), |f| f.time);
    for round in 0..3 {
        for (number, frame) in frames.iter().enumerate() {
            let time = Timestamp(last.0 + (round * FRAMES as i64 + number as i64 + 1) * 1_000_000);
            trio.step(
                frame,
                time,
                &format!("seed {seed} round {round} frame {number}"),
            );
        }
    }
    trio.agree(seed, &rules);
    trio.glimpsed
}

/// The same of crowds.
fn hold_crowd(seed: u64, words: &Vocabulary, long_chains: bool) -> usize {
    let network = Network::new(seed);
    let (mut trio, rules) = trio(seed, &network, words, long_chains);
    let mut crowd = Crowd::new(seed, &network);
    for number in 0..4 * FRAMES {
        let frame = crowd.next_frame();
        let at = format!("seed {seed} frame {number}");
        let outcome = trio.step(&frame, frame.time, &at);
        if let Some(left) = outcome.as_ref().and_then(|o| o.egress.as_ref()) {
            crowd.observe(left.captured());
        }
    }
    trio.agree(seed, &rules);
    trio.glimpsed
}

#[test]
fn remembered_paths_are_the_paths_taken() {
    let words = Vocabulary::all();
    let glimpsed: usize = seeds().map(|seed| hold(seed, &words, false)).sum();
    eprintln!("{glimpsed} packets took a remembered path");
    assert!(glimpsed > 0 || seeds().count() < 10);
}

/// Plain words only: rules that a packet can pass, so that it gets deep into the chain.
#[test]
fn long_chains_give_what_their_rules_give() {
    let words = Vocabulary::all();
    for seed in seeds() {
        hold(seed, &words, true);
    }
    let plain = ["tcp", "udp", "multiport", "conntrack", "comment", "mark"];
    let words = Vocabulary::all().only(|is_target, name| is_target || plain.contains(&name));
    let glimpsed: usize = seeds()
        .map(|seed| hold(seed + 1_000_000, &words, true))
        .sum();
    eprintln!("{glimpsed} packets took a remembered path");
    assert!(glimpsed > 0 || seeds().count() < 10);
}

/// Connections that are like others take the paths that those took.
#[test]
fn crowds_take_the_paths_of_their_like() {
    let words = Vocabulary::all();
    let plain = [
        "tcp",
        "udp",
        "multiport",
        "conntrack",
        "iprange",
        "addrtype",
    ];
    let marks = [
        "MARK",
        "CONNMARK",
        "SNAT",
        "DNAT",
        "MASQUERADE",
        "REDIRECT",
        "CT",
        "TOS",
    ];
    let few = Vocabulary::all().only(|is_target, name| {
        let wanted = if is_target { &marks[..] } else { &plain };
        wanted.contains(&name)
    });
    let glimpsed: usize = seeds()
        .map(|seed| {
            hold_crowd(seed, &words, false)
                + hold_crowd(seed, &few, false)
                + hold_crowd(seed + 1_000_000, &few, true)
        })
        .sum();
    eprintln!("{glimpsed} packets took a remembered path");
    assert!(glimpsed > 0 || seeds().count() < 10);
}
