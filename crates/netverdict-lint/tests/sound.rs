//! A rule that is called dead is never hit: random rulesets, with rules copied, cut and turned round to make many of them
//! dead, and random traffic through the engine. `NETVERDICT_SEEDS=first..end` asks for more.

#![expect(clippy::unwrap_used, reason = "a helper of tests")]

use netverdict_bundle::{Bundle, Source, SourceId, SourceKind};
use netverdict_engine::{
    Config, Engine, EngineInput, Entry, Input, NullObserver, Reason, RuleNumber, RuleRef, Verdict,
};
use netverdict_forge::random::{self, Network, Rng, Traffic, Vocabulary};
use netverdict_host::Host;
use netverdict_lint::{Part, Review, Subject, lint};
use netverdict_net::{Device, Family, Link, LinkKind, MacAddr, Packet, PacketType};
use netverdict_ruleset::{Backend, ChainId, Rule, Ruleset, TableKind, Target};
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
        port: None,
    };
    Packet::new(bytes, bytes.len(), link).ok()
}

/// Takes a frame through the rules: its verdict, and whether that hangs on which matches looked at it, since one could not
/// read its header and dropped it, or could not be decided. Nothing, if the frame holds no packet.
fn step(
    engine: &mut Engine,
    host: &Host,
    frame: &random::TimedFrame,
    traffic: &mut Traffic<'_>,
) -> Option<(Verdict, bool)> {
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
    let input = Input {
        packet: packet?,
        time: frame.time,
        entry,
    };
    let outcome = engine.step(input, &mut NullObserver);
    let bytes = outcome.egress.as_ref().map(Packet::captured);
    match outcome.out_device.name() {
        Some(name) => traffic.observe(bytes.map(|b| (name.as_str(), b)), None),
        None => traffic.observe(None, bytes),
    }
    let is_open =
        outcome.decided_by.reason == Some(Reason::Hotdrop) || !outcome.unknowns.is_empty();
    Some((outcome.verdict, is_open))
}

/// Takes traffic through the rules; returns how many packets there were.
fn run(engine: &mut Engine, host: &Host, mut traffic: Traffic<'_>) -> u64 {
    let mut packets = 0;
    while let Some(frame) = traffic.next_frame().filter(|_| packets < 300) {
        packets += u64::from(step(engine, host, &frame, &mut traffic).is_some());
    }
    packets
}

/// A rule that may go: dump, table, chain and number.
type Gone = (usize, TableKind, u32, u32);

/// The rules that are called dead or redundant.
fn superfluous(rulesets: &[Ruleset], review: &Review) -> Vec<Gone> {
    let dead = review.dead.iter();
    let dead = dead.map(|dead| (dead.dump, dead.table, dead.chain.0, dead.number));
    let redundant = review.findings.iter().filter(|f| f.check.id == "NV106");
    let redundant = redundant.map(|finding| {
        let Part::Rule {
            table,
            chain,
            number,
        } = &finding.place.part
        else {
            panic!("{:?} is no rule", finding.place.part);
        };
        let of_family = |r: &Ruleset| Some(r.family) == finding.place.family;
        let dump = rulesets.iter().position(of_family).unwrap();
        let mut tables = rulesets[dump].tables.iter();
        let table = tables.find(|t| t.kind.name() == *table).unwrap();
        (dump, table.kind, table.find(chain).unwrap().0, *number)
    });
    let mut gone: Vec<Gone> = dead.chain(redundant).collect();
    gone.sort_unstable();
    gone
}

/// The rulesets without some rules.
fn without(rulesets: &[Ruleset], gone: &[Gone]) -> Vec<Ruleset> {
    let mut tidied = rulesets.to_vec();
    for (dump, table, chain, number) in gone.iter().rev() {
        let table = tidied[*dump].tables.iter_mut().find(|t| t.kind == *table);
        let chain = &mut table.unwrap().chains[*chain as usize];
        chain.rules.remove(*number as usize - 1);
    }
    tidied
}

fn text(rulesets: &[Ruleset], (dump, table, chain, number): &Gone) -> String {
    let table = rulesets[*dump].table(*table).unwrap();
    let chain = ChainId(*chain);
    let rule = &table.chain(chain).unwrap().rules[*number as usize - 1];
    format!("{} {number} {}", table.kind, table.text(chain, rule))
}

/// The verdicts on some traffic, to the first that hangs on which matches looked at the packet.
fn verdicts(rulesets: &[Ruleset], host: &Host, mut traffic: Traffic<'_>) -> Vec<Verdict> {
    // Whether connections are tracked hangs on whether any rule asks for it.
    let config = Config {
        force_conntrack: true,
        ..Config::default()
    };
    let mut engine = Engine::new(EngineInput {
        v4: Some(&rulesets[0]),
        v6: Some(&rulesets[1]),
        host,
        config: &config,
    });
    let mut verdicts = Vec::new();
    while let Some(frame) = traffic.next_frame().filter(|_| verdicts.len() < 300) {
        match step(&mut engine, host, &frame, &mut traffic) {
            Some((_, true)) => break,
            Some((verdict, false)) => verdicts.push(verdict),
            None => {}
        }
    }
    verdicts
}

/// Whether two runs differ as far as both go.
fn differ(before: &[Verdict], after: &[Verdict]) -> bool {
    before
        .iter()
        .zip(after)
        .any(|(before, after)| before != after)
}

#[test]
fn without_dead_and_redundant_rules_every_packet_fares_the_same() {
    let words = Vocabulary::all();
    let (mut removed, mut packets) = (0, 0);
    for seed in seeds() {
        let network = Network::new(seed);
        let host = Host::new(network.facts());
        let rulesets = Family::ALL.map(|family| ruleset(seed, family, &network, &words));
        let review = review(&rulesets, &host);
        let gone = superfluous(&rulesets, &review);
        let tidied = without(&rulesets, &gone);
        removed += gone.len();
        for way in 0..2 {
            let traffic = || Traffic::new(seed + 1000 * way, &network, &Family::ALL, &words);
            let before = verdicts(&rulesets, &host, traffic());
            let after = verdicts(&tidied, &host, traffic());
            packets += before.len();
            if differ(&before, &after) {
                let mut least = gone;
                for index in (0..least.len()).rev() {
                    let mut fewer = least.clone();
                    fewer.remove(index);
                    let after = verdicts(&without(&rulesets, &fewer), &host, traffic());
                    if differ(&before, &after) {
                        least = fewer;
                    }
                }
                let least: Vec<_> = least.iter().map(|rule| text(&rulesets, rule)).collect();
                panic!("seed {seed} way {way}, without:\n{}", least.join("\n"));
            }
        }
    }
    println!("{removed} rules removed, {packets} packets");
    assert!(removed > 0, "no rule was superfluous");
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
