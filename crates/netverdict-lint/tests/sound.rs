//! A rule that is called dead is never hit: random rulesets, with rules copied, cut and turned round to make many of them
//! dead, and random traffic through the engine. `NETVERDICT_SEEDS=first..end` asks for more.

#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use netverdict_bundle::{Bundle, Source, SourceId, SourceKind};
use netverdict_engine::{
    Config, Engine, EngineInput, Entry, Input, NullObserver, RuleNumber, RuleRef,
};
use netverdict_forge::random::{self, Network, Rng, Traffic, Vocabulary};
use netverdict_host::Host;
use netverdict_lint::{Review, Subject, lint};
use netverdict_net::{Device, Family, Link, LinkKind, MacAddr, Packet, PacketType};
use netverdict_ruleset::{Backend, Rule, Ruleset, Target};
use netverdict_syntax::{ParseOptions, parse_dump};

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("NETVERDICT_SEEDS").ok().and_then(|text| {
        let (first, end) = text.split_once("..")?;
        Some(first.parse().ok()?..end.parse().ok()?)
    });
    asked.unwrap_or(0..150)
}

fn ruleset(seed: u64, family: Family, network: &Network, words: &Vocabulary) -> Ruleset {
    let text = random::ruleset(seed, family, network, words);
    let options = ParseOptions {
        family: Some(family),
    };
    let parsed = parse_dump(text.as_bytes(), &options);
    let mut ruleset = parsed
        .ruleset(family)
        .cloned()
        .unwrap_or(Ruleset::new(family));
    ruleset.backend = Some(if seed.is_multiple_of(4) {
        Backend::Nft
    } else {
        Backend::Legacy
    });
    let mut rng = Rng::new(seed, 77 + u64::from(family.bits()));
    for table in &mut ruleset.tables {
        for chain in &mut table.chains {
            for _ in 0..rng.below(5) {
                jumble(&mut chain.rules, &mut rng);
            }
        }
    }
    ruleset
}

/// Puts a changed copy of a rule somewhere into its chain.
fn jumble(rules: &mut Vec<Rule>, rng: &mut Rng) {
    if rules.is_empty() {
        return;
    }
    let from = rng.below(rules.len() as u64) as usize;
    let mut rule = rules[from].clone();
    for _ in 0..rng.below(3) {
        match rng.below(7) {
            0 => rule.source = None,
            1 => rule.destination = None,
            2 => rule.in_interface = None,
            3 => {
                rule.source = rule.source.map(|mut s| {
                    s.inverted = !s.inverted;
                    s
                });
            }
            4 => rule.out_interface = None,
            5 if !rule.matches.is_empty() => {
                let at = rng.below(rule.matches.len() as u64) as usize;
                rule.matches.remove(at);
            }
            _ => {
                let other = rng.below(rules.len() as u64) as usize;
                if rules[other].protocol == rule.protocol {
                    rule.matches.extend(rules[other].matches.iter().cloned());
                }
            }
        }
    }
    if rng.chance(50) && !matches!(rule.target, Some(Target::Jump(_) | Target::Goto(_))) {
        rule.target = Some(
            rng.pick(&[Target::Accept, Target::Return, Target::Drop])
                .clone(),
        );
    }
    let to = rng.below(rules.len() as u64 + 1) as usize;
    rules.insert(to, rule);
}

fn review(rulesets: &[Ruleset], host: &Host) -> Review {
    let source = |r: &Ruleset| Source {
        name: format!("{}.rules", r.family),
        kind: SourceKind::Dump(r.family),
        bytes: Vec::new(),
    };
    let sources: Vec<_> = rulesets.iter().map(source).collect();
    let ids: Vec<_> = (0..sources.len()).map(SourceId).collect();
    let bundle = Bundle::from_sources("random".to_owned(), sources).unwrap();
    lint(&Subject::new(&bundle, rulesets, &ids, None, host))
}

/// The link layer and the packet behind it.
fn unwrap_link<'f>(host: &Host, device: Device, frame: &'f [u8]) -> Option<Packet<'f>> {
    let interface = host.interface(device.name()?)?;
    let Some(own) = interface.mac else {
        return Packet::new(frame, frame.len(), Link::default()).ok();
    };
    let (header, bytes) = frame.split_first_chunk::<14>()?;
    let mac = |at: usize| MacAddr(header[at..at + 6].try_into().unwrap());
    let packet_type = match mac(0) {
        MacAddr::BROADCAST => PacketType::Broadcast,
        group if group.is_multicast() => PacketType::Multicast,
        mac if mac == own => PacketType::Host,
        _ => PacketType::OtherHost,
    };
    let link = Link {
        kind: LinkKind::Ethernet,
        source: Some(mac(6)),
        destination: Some(mac(0)),
        packet_type,
    };
    Packet::new(bytes, bytes.len(), link).ok()
}

/// Takes traffic through the rules; returns how many packets there were.
fn run(engine: &mut Engine, host: &Host, mut traffic: Traffic<'_>) -> u64 {
    let mut packets = 0;
    while let Some(frame) = traffic.next_frame().filter(|_| packets < 300) {
        let device = frame.interface.map_or(Device::Unknown, Device::Named);
        let (packet, entry) = match frame.direction {
            random::Direction::Out => {
                let packet = Packet::new(&frame.bytes, frame.bytes.len(), Link::default());
                (packet.ok(), Entry::Output { out_device: device })
            }
            random::Direction::In => (
                unwrap_link(host, device, &frame.bytes),
                Entry::Prerouting { in_device: device },
            ),
        };
        let Some(packet) = packet else {
            continue;
        };
        packets += 1;
        let input = Input {
            packet,
            time: frame.time,
            entry,
        };
        let outcome = engine.step(input, &mut NullObserver);
        let bytes = outcome.egress.as_ref().map(Packet::captured);
        match outcome.out_device.name() {
            Some(name) => traffic.observe(bytes.map(|b| (name.as_str(), b)), None),
            None => traffic.observe(None, bytes),
        }
    }
    packets
}

#[test]
fn no_rule_that_is_called_dead_is_ever_hit() {
    let words = Vocabulary::all();
    let (mut dead, mut packets, mut rules) = (0, 0, 0);
    let mut wrong = Vec::new();
    for seed in seeds() {
        let network = Network::new(seed);
        let host = Host::new(network.facts());
        let rulesets = Family::ALL.map(|family| ruleset(seed, family, &network, &words));
        let review = review(&rulesets, &host);
        rules += rulesets.iter().map(|r| r.rules().count()).sum::<usize>();
        dead += review.dead.len();
        for way in 0..4 {
            let config = Config::default();
            let mut engine = Engine::new(EngineInput {
                v4: Some(&rulesets[0]),
                v6: Some(&rulesets[1]),
                host: &host,
                config: &config,
            });
            let traffic = Traffic::new(seed + 1000 * way, &network, &Family::ALL, &words);
            packets += run(&mut engine, &host, traffic);
            for found in &review.dead {
                let ruleset = &rulesets[found.dump];
                let rule = RuleRef {
                    family: ruleset.family,
                    table: found.table,
                    chain: found.chain.0,
                    number: RuleNumber::Rule(found.number),
                };
                if engine.counter(rule).is_some_and(|c| c.packets > 0) {
                    let table = ruleset.table(found.table).unwrap();
                    let chain = table.chain(found.chain).unwrap();
                    let texts: Vec<_> = chain
                        .rules
                        .iter()
                        .map(|r| table.text(found.chain, r).to_string())
                        .collect();
                    wrong.push(format!(
                        "seed {seed} way {way} {} {:?} {} {}: hit\n{}",
                        ruleset.family,
                        ruleset.backend,
                        found.table,
                        found.number,
                        texts.join("\n")
                    ));
                }
            }
        }
    }
    println!("{rules} rules, {dead} dead, {packets} packets");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    assert!(dead > 0, "no rule was dead");
}
