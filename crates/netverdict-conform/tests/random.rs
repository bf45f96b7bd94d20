//! Model against kernel on random cases. `NETVERDICT_SEEDS=first..end` asks for a range of its own, `fresh:N` for seeds
//! that nobody has seen; `NETVERDICT_SHRINK=N` says how many disagreements are shrunk and written down.
//! `NETVERDICT_PACED=first..end` says which cases run in real time, over `NETVERDICT_SECONDS` each.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use netverdict_conform::random::{Compared, smallest};
use netverdict_conform::reach::Reach;
use netverdict_conform::{RigError, random, record};
use netverdict_forge::random::{Focus, Vocabulary};

/// As many cases as a run without a range of its own takes.
const USUAL: u64 = 300;

/// `NETVERDICT_SEEDS=first..end`, or `fresh:N` for so many that nobody has seen; `NETVERDICT_FRESH` likewise, for this test
/// alone.
fn seeds() -> std::ops::Range<u64> {
    let of = |name| std::env::var(name).ok();
    let Some(asked) = of("NETVERDICT_SEEDS").or_else(|| of("NETVERDICT_FRESH")) else {
        return 0..USUAL;
    };
    let range = match asked.strip_prefix("fresh:") {
        Some(count) => count.parse().ok().map(fresh),
        None => asked
            .split_once("..")
            .and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?)),
    };
    range.unwrap_or_else(|| panic!("NETVERDICT_SEEDS={asked}: expected FIRST..END or fresh:N"))
}

#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "no run is to see what another has, and each says how to see it again"
)]
fn fresh(count: u64) -> std::ops::Range<u64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let first = since.map_or(0, |since| since.as_millis() as u64);
    let range = first..first + count;
    eprintln!("fresh seeds; the same again with NETVERDICT_SEEDS={range:?}");
    range
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
    let words = match focus() {
        Some(focus) => words.about(focus),
        None => words,
    };
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
    for (seed, compared) in &tally.differing {
        let first = compared.differences.first().map(ToString::to_string);
        eprintln!(
            "seed {seed} ({:?}): {}",
            compared.case.backend,
            first.unwrap_or_default()
        );
    }
    let numbers: Vec<u64> = tally.differing.iter().map(|(seed, _)| *seed).collect();
    let shown = std::env::var("NETVERDICT_SHRINK")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(3);
    for (seed, found) in tally.differing.into_iter().take(shown) {
        let small = smallest(found, 400);
        let folder = kept(seed);
        match record::write(&small.case, &folder) {
            Ok(()) => eprintln!("===== seed {seed}: {}\n{small}", folder.display()),
            Err(error) => eprintln!("===== seed {seed}, not written: {error}\n{small}"),
        }
    }
    assert!(numbers.is_empty(), "seeds that differ: {numbers:?}");
    // Over fewer cases, chance may pass one by.
    const TELLING: u64 = 600;
    if range.end - range.start >= TELLING && words.focus().is_none() {
        let unreached = tally.reach.unreached(&words);
        assert!(
            unreached.is_empty(),
            "never hit, or never missed: {unreached:?}"
        );
    }
    assert!(tally.unread.is_empty(), "dumps that cannot be read");
}

/// Rules that follow the clock: the packets are spread over seconds, and the kernel waits through them.
#[test]
fn the_model_agrees_with_the_kernel_in_real_time() {
    let set = |name| std::env::var(name).ok();
    let range = set("NETVERDICT_PACED");
    let range = range.as_deref().and_then(|text| text.split_once(".."));
    let range = range.and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    let range: std::ops::Range<u64> = range.unwrap_or(0..24);
    let seconds = set("NETVERDICT_SECONDS")
        .and_then(|n| n.parse().ok())
        .unwrap_or(3);
    let words = Vocabulary::all().only(|_, name| !except().iter().any(|e| e == name));
    // Each sleeps most of the time.
    const AT_ONCE: usize = 24;
    let next = AtomicU64::new(range.start);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= range.end || tally.lock().unwrap().missing.is_some() {
                        return;
                    }
                    let outcome = random::compare_paced(seed, &words, seconds);
                    tally.lock().unwrap().take(seed, outcome);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    if let Some(missing) = tally.missing {
        eprintln!("SKIPPED: {missing}");
        return;
    }
    eprintln!(
        "in real time, seeds {range:?}: {} agree, {} say nothing, {} differ",
        tally.agreed,
        tally.undetermined,
        tally.differing.len()
    );
    for (seed, compared) in tally.differing.iter().take(3) {
        eprintln!("===== seed {seed}\n{compared}");
    }
    assert!(tally.differing.is_empty(), "of {range:?}");
    assert_eq!(tally.unread, Vec::<String>::new());
}

/// Where a shrunk case is written: a folder that `netverdict conform bundle capture.pcapng` takes.
fn kept(seed: u64) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("disagreements")
        .join(seed.to_string())
}

/// `NETVERDICT_FOCUS=conntrack|nat|fragments|sets|nft|helpers` aims the cases at a subject.
fn focus() -> Option<Focus> {
    let asked = std::env::var("NETVERDICT_FOCUS").ok()?;
    Some(asked.parse().unwrap_or_else(|error| panic!("{error}")))
}

/// What is left out: connlimit's garbage collection follows the clock; `NETVERDICT_EXCEPT=a,b` leaves out more.
fn except() -> Vec<String> {
    let asked = std::env::var("NETVERDICT_EXCEPT").unwrap_or_default();
    let asked = asked.split(',').map(str::to_owned);
    asked.chain(NOT_COMPARED.map(str::to_owned)).collect()
}

/// See [`except`].
const NOT_COMPARED: [&str; 1] = ["connlimit"];
