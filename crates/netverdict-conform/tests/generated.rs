//! What the generators write, held against the real tools.
use netverdict_conform::kernel::Namespace;
use netverdict_conform::rig::{Dumps, Fate, Pace, Rig};
use netverdict_conform::{Case, RigError};
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
    let words = Vocabulary::all();
    let mut refused = Vec::new();
    let range = seeds(0..60);
    let batches = range.clone().step_by(10);
    for batch in batches {
        let outcome = Namespace::isolated(|inside| {
            let mut rig = Rig::build(inside, &HostFacts::default())?;
            for seed in batch..(batch + 10).min(range.end) {
                let network = Network::new(seed);
                for family in Family::ALL {
                    let text = ruleset(seed, family, &network, &words);
                    let dumps = match family {
                        Family::V4 => Dumps {
                            v4: Some(&text),
                            ..Dumps::default()
                        },
                        Family::V6 => Dumps {
                            v6: Some(&text),
                            ..Dumps::default()
                        },
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

/// The rig's own worth: the kernel says the same twice.
#[test]
fn the_kernel_agrees_with_itself() {
    // Garbage collection by the clock, and hooks that wait for a listener's timer.
    let words = Vocabulary::all().only(|_, name| name != "connlimit");
    let mut fates = [0_usize; 3];
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
        for ((family, one), (_, two)) in first.counters.iter().zip(&second.counters) {
            assert_eq!(one, two, "seed {seed} {family}");
        }
        for (number, (one, two)) in first.seen.iter().zip(&second.seen).enumerate() {
            let frame = &case.frames[number];
            assert_eq!(
                one.emitted, two.emitted,
                "seed {seed} frame {number} {frame:?}"
            );
            assert_eq!(
                one.delivered, two.delivered,
                "seed {seed} frame {number} {frame:?}"
            );
            fates[match one.fate() {
                Fate::Local => 0,
                Fate::Emitted => 1,
                Fate::Gone => 2,
            }] += 1;
        }
    }
    eprintln!("local, emitted, gone: {fates:?}");
    assert!(fates.iter().all(|n| *n > 50), "{fates:?}");
}
