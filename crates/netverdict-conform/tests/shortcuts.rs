//! What the engine remembers and passes over changes nothing: it says of random packets what it says when every packet
//! meets every rule. No kernel is asked. `NETVERDICT_SEEDS=first..end` asks for a range of its own.

use netverdict_conform::model::enter;
use netverdict_conform::rig::Direction;
use netverdict_conform::{Case, Frame, random};
use netverdict_engine::{
    Config, Engine, EngineInput, Fate, Input, NullObserver, Outcome, Sum, UnknownPolicy,
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

struct Pair {
    plain: Engine,
    short: Engine,
    host: Host,
}

impl Pair {
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
        plain
    }
}

fn hold(seed: u64, words: &Vocabulary, long_chains: bool) {
    let network = Network::new(seed);
    let host = Host::new(network.facts());
    let rules = Family::ALL.map(|family| {
        if long_chains {
            long(seed, family, &network, words)
        } else {
            parse(seed, family, &network, words)
        }
    });
    let backend = if seed.is_multiple_of(2) {
        Backend::Legacy
    } else {
        Backend::Nft
    };
    let engine = |plain| {
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
                ..Config::default()
            },
        })
    };
    let mut pair = Pair {
        plain: engine(true),
        short: engine(false),
        host: host.clone(),
    };
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
        let outcome = pair.step(
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
            pair.step(
                frame,
                time,
                &format!("seed {seed} round {round} frame {number}"),
            );
        }
    }
    for rules in rules.iter().flatten() {
        let [plain, short] = [&pair.plain, &pair.short].map(|engine| engine.count_into(rules));
        assert_eq!(plain, short, "seed {seed}: counters");
    }
    let [plain, short] = [&pair.plain, &pair.short].map(Engine::connections);
    assert_eq!(
        format!("{plain:?}"),
        format!("{short:?}"),
        "seed {seed}: connections"
    );
}

#[test]
fn remembered_paths_are_the_paths_taken() {
    let words = Vocabulary::all();
    seeds().for_each(|seed| hold(seed, &words, false));
}

/// Plain words only: rules that a packet can pass, so that it gets deep into the chain.
#[test]
fn long_chains_give_what_their_rules_give() {
    let words = Vocabulary::all();
    seeds().for_each(|seed| hold(seed, &words, true));
    let plain = ["tcp", "udp", "multiport", "conntrack", "comment", "mark"];
    let words = Vocabulary::all().only(|is_target, name| is_target || plain.contains(&name));
    seeds().for_each(|seed| hold(seed + 1_000_000, &words, true));
}
