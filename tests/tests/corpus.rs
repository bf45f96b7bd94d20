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
