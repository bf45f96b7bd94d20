//! Model against kernel on random cases. `NETVERDICT_SEEDS=first..end` asks for a range of its own.
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use netverdict_conform::random::{Compared, smallest};
use netverdict_conform::reach::Reach;
use netverdict_conform::{RigError, random};
use netverdict_forge::random::Vocabulary;

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("NETVERDICT_SEEDS").ok().and_then(|text| {
        let (first, end) = text.split_once("..")?;
        Some(first.parse().ok()?..end.parse().ok()?)
    });
    asked.unwrap_or(0..60)
}

#[derive(Default)]
struct Tally {
    reach: Reach,
    agreed: u64,
    undetermined: u64,
    unread: Vec<String>,
    differing: Vec<(u64, Compared)>,
    missing: Option<RigError>,
}

impl Tally {
    fn take(&mut self, seed: u64, outcome: Result<Compared, RigError>) {
        match outcome {
            Ok(compared) => {
                self.reach.count(&compared.kernel);
                match (compared.undetermined, compared.differences.is_empty()) {
                    (Some(_), _) => self.undetermined += 1,
                    (None, true) => self.agreed += 1,
                    (None, false) => self.differing.push((seed, compared)),
                }
            }
            Err(error) if error.is_missing() => self.missing = Some(error),
            Err(error) => self.unread.push(format!("seed {seed}: {error}")),
        }
    }
}

#[test]
fn the_model_agrees_with_the_kernel() {
    let words = Vocabulary::all().only(|_, name| !except().iter().any(|e| e == name));
    let range = seeds();
    let next = AtomicU64::new(range.start);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= range.end || tally.lock().unwrap().missing.is_some() {
                        return;
                    }
                    let outcome = random::compare(seed, &words);
                    tally.lock().unwrap().take(seed, outcome);
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap();
    if let Some(missing) = tally.missing {
        eprintln!("SKIPPED: {missing}");
        return;
    }
    eprintln!("{}", tally.reach);
    eprintln!(
        "seeds {range:?}: {} agree, {} say nothing, {} cannot be read, {} differ",
        tally.agreed,
        tally.undetermined,
        tally.unread.len(),
        tally.differing.len()
    );
    for line in &tally.unread {
        eprintln!("{line}");
    }
    tally.differing.sort_by_key(|(seed, _)| *seed);
    let numbers: Vec<u64> = tally.differing.iter().map(|(seed, _)| *seed).collect();
    let shown = std::env::var("NETVERDICT_SHRINK")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3);
    for (seed, found) in tally.differing.into_iter().take(shown) {
        eprintln!("===== seed {seed}\n{}", smallest(found, 400));
    }
    assert!(numbers.is_empty(), "seeds that differ: {numbers:?}");
    assert!(tally.unread.is_empty(), "dumps that cannot be read");
}

/// connlimit's garbage collection follows the clock; `NETVERDICT_EXCEPT=a,b` leaves out more.
fn except() -> Vec<String> {
    let asked = std::env::var("NETVERDICT_EXCEPT").unwrap_or_default();
    let asked = asked.split(',').map(str::to_owned);
    asked.chain(["connlimit".to_owned()]).collect()
}
