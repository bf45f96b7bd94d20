//! What the generators write, held against the real tools.
use netverdict_conform::compare::{same_packet, undetermined};
use netverdict_conform::kernel::Namespace;
use netverdict_conform::reach::Reach;
use netverdict_conform::rig::{ChainCounters, Counters, Dumps, Fate, Observation, Pace, Rig};
use netverdict_conform::{Case, KernelRun, RigError};
use netverdict_forge::random::timeouts::LISTING;
use netverdict_forge::random::{Network, Vocabulary, ruleset};
use netverdict_host::HostFacts;
use netverdict_net::Family;

/// `NETVERDICT_SEEDS=first..end` asks for more.
fn seeds(usual: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let asked = std::env::var("NETVERDICT_SEEDS").ok().and_then(|text| {
        let (first, end) = text.split_once("..")?;
        Some(first.parse().ok()?..end.parse().ok()?)
    });
    asked.unwrap_or(usual)
}

#[test]
fn generated_dumps_are_taken_by_iptables_restore() {
    // Sets would stay from case to case; the other test loads them.
    let words = Vocabulary::all().only(|_, name| !matches!(name, "set" | "SET"));
    let mut refused = Vec::new();
    let range = seeds(0..60);
    let batches = range.clone().step_by(10);
    for batch in batches {
        let outcome = Namespace::isolated(|inside| {
            let mut rig = Rig::build(inside, &HostFacts::default())?;
            // They stay when the rules go.
            let mut timeouts = Some(LISTING);
            for seed in batch..(batch + 10).min(range.end) {
                let network = Network::new(seed);
                for family in Family::ALL {
                    let text = ruleset(seed, family, &network, &words);
                    let of = |wanted| (family == wanted).then_some(&*text);
                    let dumps = Dumps {
                        v4: of(Family::V4),
                        v6: of(Family::V6),
                        timeouts: timeouts.take(),
                        ..Dumps::default()
                    };
                    match rig.load(dumps) {
                        Err(RigError::Refused { message, .. }) => {
                            refused.push(format!("seed {seed} {family}: {message}\n{text}"));
                        }
                        other => other?,
                    }
                }
            }
            Ok(())
        });
        match outcome {
            Err(error) if error.is_missing() => {
                eprintln!("SKIPPED: {error}");
                return;
            }
            other => other.unwrap(),
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Every difference between two runs of one case.
fn differences(seed: u64, case: &Case, first: &KernelRun, second: &KernelRun) -> Vec<String> {
    let mut found = Vec::new();
    for ((family, one), (_, two)) in first.counters.iter().zip(&second.counters) {
        let rules = |counters: &Counters| -> Vec<String> {
            let tables = counters.tables.iter();
            let chains = tables.flat_map(|t| t.chains.iter().map(move |c| (&t.name, c)));
            let shown = |(table, chain): (&String, &ChainCounters)| {
                let rules = chain.rules.iter().map(|(c, rule)| format!("{c:?} {rule}"));
                let mut all: Vec<String> = rules.collect();
                all.push(format!("{:?} policy of {}", chain.policy, chain.name));
                all.into_iter()
                    .map(|line| format!("{table} {line}"))
                    .collect::<Vec<_>>()
            };
            chains.flat_map(shown).collect()
        };
        for (a, b) in rules(one).iter().zip(&rules(two)).filter(|(a, b)| a != b) {
            found.push(format!("seed {seed} {family}: {a} != {b}"));
        }
    }
    for (number, (one, two)) in first.seen.iter().zip(&second.seen).enumerate() {
        let packets = |seen: &Observation| -> Vec<Vec<u8>> {
            let left = seen.emitted.iter().map(|e| e.packet().to_vec());
            let kept = seen.delivered.iter().map(|d| d.packet.clone());
            left.chain(kept).collect()
        };
        let (one, two) = (packets(one), packets(two));
        let same = one.len() == two.len() && one.iter().zip(&two).all(|(a, b)| same_packet(a, b));
        if !same {
            let frame = &case.frames[number];
            found.push(format!(
                "seed {seed} frame {number} {frame:x?}: {one:x?} != {two:x?}"
            ));
        }
    }
    found
}

/// The rig's own worth: the kernel says the same twice.
#[test]
fn the_kernel_agrees_with_itself() {
    // Its garbage collection follows the clock.
    let words = Vocabulary::all().only(|_, name| name != "connlimit");
    let mut fates = [0_usize; 3];
    let mut reach = Reach::default();
    let (mut found, mut drawn) = (Vec::new(), 0);
    for seed in seeds(0..40) {
        let (case, first) = match Case::draw(seed, &words) {
            Err(error) if error.is_missing() => {
                eprintln!("SKIPPED: {error}");
                return;
            }
            other => other.unwrap(),
        };
        let second = case.run(Pace::Fast).unwrap();
        assert_eq!(first.unset_sysctls, [""; 0]);
        reach.count(&first);
        if undetermined(&case, &first, &[]).is_some() || undetermined(&case, &second, &[]).is_some()
        {
            drawn += 1;
            continue;
        }
        found.extend(differences(seed, &case, &first, &second));
        for seen in &first.seen {
            fates[match seen.fate() {
                Fate::Local => 0,
                Fate::Emitted => 1,
                Fate::Gone => 2,
            }] += 1;
        }
    }
    eprintln!("{reach}");
    eprintln!("local, emitted, gone: {fates:?}; {drawn} cases with a random port");
    for line in &mut found {
        line.truncate(2000);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(fates.iter().all(|n| *n > 50), "{fates:?}");
}
