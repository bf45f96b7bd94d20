use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::common::{Netverdict, SCENES, root};

/// The corpus of real dumps and captures, which cannot be shipped: `NETVERDICT_CORPUS`, else beside the repository.
pub(crate) fn corpus() -> Option<PathBuf> {
    let beside = || root().join("../shared/corpus");
    let path = std::env::var_os("NETVERDICT_CORPUS").map_or_else(beside, PathBuf::from);
    if path.join("MANIFEST.tsv").exists() {
        // Without `..`: the test binary's own folder in a path would be scrubbed from what is printed.
        return Some(path.canonicalize().expect("it exists"));
    }
    println!(
        "SKIPPED: no corpus at {}; NETVERDICT_CORPUS names one",
        path.display()
    );
    None
}

/// A row of the manifest by column.
type Row = BTreeMap<String, String>;

fn manifest(corpus: &std::path::Path) -> Vec<Row> {
    let text = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned));
    let head: Vec<String> = lines.next().unwrap().collect();
    lines
        .map(|cells| head.iter().cloned().zip(cells).collect())
        .collect()
}

#[test]
fn every_capture_replays_on_every_fixture() {
    let Some(corpus) = corpus() else {
        return;
    };
    let counts: BTreeMap<String, usize> = manifest(&corpus)
        .into_iter()
        .filter(|row| row["kind"] == "capture")
        .map(|row| (row["file"].clone(), row["packets"].parse().unwrap()))
        .collect();
    assert!(counts.len() > 50);
    std::thread::scope(|scope| {
        for scene in SCENES {
            let (counts, corpus) = (&counts, &corpus);
            scope.spawn(move || {
                let bundle = format!("fixtures/{scene}/bundle");
                let run = Netverdict::new([
                    "replay",
                    &bundle,
                    "--separate",
                    "--quiet",
                    "--format",
                    "packets",
                ]);
                let mut found: BTreeMap<String, usize> =
                    counts.keys().map(|name| (name.clone(), 0)).collect();
                for line in run
                    .args(counts.keys().map(|name| corpus.join(name)))
                    .lines()
                {
                    let file = line["file"].as_str().unwrap();
                    let name = PathBuf::from(file)
                        .strip_prefix(corpus)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned();
                    *found.get_mut(&name).unwrap() += 1;
                }
                assert_eq!(&found, counts, "{scene}");
            });
        }
    });
}

#[test]
fn fmt_equals_what_the_kernel_printed() {
    let Some(corpus) = corpus() else {
        return;
    };
    let plain = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|l| !l.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    let mut compared = 0;
    for row in manifest(&corpus) {
        let Some(canonical) = row.get("canonical_save").filter(|path| !path.is_empty()) else {
            continue;
        };
        let expected = fs::read(corpus.join(canonical)).unwrap();
        let printed = Netverdict::new([
            "fmt".as_ref(),
            "-q".as_ref(),
            corpus.join(&row["file"]).as_os_str(),
        ])
        .output()
        .stdout;
        let (printed, expected) = (
            String::from_utf8_lossy(&printed),
            String::from_utf8_lossy(&expected),
        );
        assert_eq!(plain(&printed), plain(&expected), "{}", row["file"]);
        compared += 1;
    }
    assert!(compared > 100, "only {compared} compared");
}

/// A capture with a bit of everything, small enough for every dump.
fn some_capture(corpus: &std::path::Path) -> PathBuf {
    let captures = manifest(corpus).into_iter().filter(|row| {
        row["kind"] == "capture"
            && row["packets"]
                .parse::<u32>()
                .is_ok_and(|n| (20..400).contains(&n))
            && row["link_types"].contains("Ethernet")
    });
    let varied = captures.max_by_key(|row| row["protocols(packets)"].split_whitespace().count());
    corpus.join(&varied.expect("there are captures")["file"])
}

/// A sample of them, the longest aside; all with `NETVERDICT_CORPUS_ALL`.
fn some<T>(all: Vec<T>) -> Vec<T> {
    if std::env::var_os("NETVERDICT_CORPUS_ALL").is_some() {
        return all;
    }
    const EACH: usize = 4;
    all.into_iter().skip(EACH - 1).step_by(EACH).collect()
}

/// Runs dumps with these arguments behind each; each ends by itself, with findings or without, or says what is wrong.
fn dumps(corpus: &std::path::Path, command: &str, most: u32, rest: &[&std::ffi::OsStr]) {
    let rules = |row: &Row| row["rules"].parse().unwrap_or(0);
    let mut dumps: Vec<_> = manifest(corpus)
        .into_iter()
        .filter(|row| row["file"].starts_with("dumps/") && rules(row) <= most)
        .collect();
    // The longest first, so that none is left for the end.
    dumps.sort_by_key(|row| std::cmp::Reverse(rules(row)));
    let all = dumps.len();
    assert!(all > 100);
    let dumps = some(dumps);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let reviewed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                use std::sync::atomic::Ordering::Relaxed;
                while let Some(row) = dumps.get(next.fetch_add(1, Relaxed)) {
                    let run =
                        Netverdict::new([command.as_ref(), corpus.join(&row["file"]).as_os_str()])
                            .args(rest)
                            .args(["--lenient", "--quiet", "--no-config", "--threads", "1"])
                            .args(["--fail-on", "never", "--format", "json"]);
                    let output = run.any_of(&[0, 2]).output();
                    let said = String::from_utf8_lossy(&output.stderr);
                    assert!(!said.contains("panicked"), "{}: {said}", row["file"]);
                    if output.status.code() == Some(2) {
                        // Sets alone, and other families', are no dump; nothing else is refused.
                        assert!(said.contains("and no dump"), "{}: {said}", row["file"]);
                        continue;
                    }
                    let document: serde_json::Value =
                        serde_json::from_slice(&output.stdout).unwrap();
                    assert_eq!(document["schema"], format!("netverdict.{command}/1"));
                    reviewed.fetch_add(1, Relaxed);
                }
            });
        }
    });
    let reviewed = reviewed.into_inner();
    println!("{command}: {reviewed} dumps of {all}; NETVERDICT_CORPUS_ALL=1 takes all");
    assert!(reviewed * 10 > dumps.len() * 8);
}

#[test]
fn lint_reviews_real_dumps() {
    let Some(corpus) = corpus() else {
        return;
    };
    // An audit reviews the rules as well: the few with thousands take that way alone.
    dumps(&corpus, "lint", 2_000, &[]);
}

#[test]
fn audit_holds_a_capture_against_real_dumps() {
    let Some(corpus) = corpus() else {
        return;
    };
    let capture = some_capture(&corpus);
    dumps(&corpus, "audit", u32::MAX, &[capture.as_os_str()]);
}
