use std::path::Path;

use crate::common::{Netverdict, SCENES, replay};
use crate::corpus::corpus;

const FORMATS: [&str; 5] = ["text", "json", "packets", "counters", "conntrack"];
/// Each is held to one thread.
const THREADS: [&str; 3] = ["2", "3", "8"];

#[test]
fn every_format_is_the_same_at_any_number_of_threads() {
    for scene in SCENES {
        for format in FORMATS {
            hold(&format!("{scene} as {format}"), || {
                replay(scene).args(["--format", format])
            });
        }
    }
}

/// Captures replayed apart, several at a time.
#[test]
fn captures_apart_are_the_same_at_any_number_of_threads() {
    for scene in SCENES {
        for format in ["counters", "conntrack"] {
            hold(&format!("{scene} as {format}, apart"), || {
                let captures = format!("fixtures/{scene}/captures");
                replay(scene).args([
                    captures.as_str(),
                    "fixtures/home-router/captures",
                    "--separate",
                    "--keep-counters",
                    "--format",
                    format,
                ])
            });
        }
    }
}

/// A part of the corpus; all of it on every fixture where `NETVERDICT_CORPUS_ALL=1` asks for it.
#[test]
fn real_captures_are_the_same_at_any_number_of_threads() {
    let Some(corpus) = corpus() else {
        return;
    };
    let captures = corpus.join("captures");
    if std::env::var_os("NETVERDICT_CORPUS_ALL").is_none() {
        hold_corpus(SCENES[2], &captures, &["packets"]);
        return;
    }
    for scene in SCENES {
        hold_corpus(scene, &captures, &FORMATS);
    }
}

fn hold_corpus(scene: &str, captures: &Path, formats: &[&str]) {
    let bundle = format!("fixtures/{scene}/bundle");
    for format in formats {
        hold(&format!("the corpus on {scene} as {format}"), || {
            // Some captures have compression that is damaged.
            Netverdict::new(["replay", &bundle, "--quiet", "--format", format])
                .args([captures])
                .any_of(&[0, 2])
        });
    }
}

fn hold(what: &str, run: impl Fn() -> Netverdict) {
    let with = |threads: &str| run().args(["--threads", threads]).stdout();
    let one = with("1");
    for threads in THREADS {
        assert!(with(threads) == one, "{what} with {threads} threads");
    }
}
