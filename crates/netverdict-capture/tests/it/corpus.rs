//! Every capture of the corpus: packet counts, first and last times and link types as capinfos gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use netverdict_capture::{CaptureReader, Captures, Input, Summary};
use netverdict_net::Timestamp;

/// The corpus's folder, or `None` with a word about it.
fn corpus() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let path = std::env::var_os("NETVERDICT_CORPUS").map_or_else(beside, PathBuf::from);
    if path.join("MANIFEST.tsv").is_file() {
        return Some(path);
    }
    println!(
        "SKIPPED: no corpus at {}; set NETVERDICT_CORPUS",
        path.display()
    );
    None
}

/// One row of the manifest, by column name.
type Row = BTreeMap<String, String>;

fn captures(corpus: &Path) -> Vec<Row> {
    let manifest = std::fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest.lines();
    let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
    let rows = lines.map(|line| {
        columns
            .iter()
            .zip(line.split('\t'))
            .map(|(c, v)| ((*c).into(), v.into()))
            .collect()
    });
    rows.filter(|row: &Row| row["kind"] == "capture").collect()
}

fn read(path: &Path) -> Summary {
    let mut reader = CaptureReader::open(&Input::Path(path.to_owned())).unwrap();
    let mut frames = 0;
    while let Some(chunk) = reader.next_chunk().unwrap() {
        for frame in chunk.frames() {
            frames += 1;
            assert_eq!(frame.number, frames);
            if let Some(Ok(packet)) = frame.packet() {
                assert!(packet.len() >= packet.captured().len());
            }
        }
    }
    assert_eq!(reader.summary().frames, frames);
    reader.into_summary()
}

/// `seconds.digits` as capinfos prints it, of as many digits as the file has.
fn shown(time: Option<Timestamp>, like: &str) -> String {
    let digits = like.split_once('.').map_or(0, |(_, d)| d.len());
    time.map_or_else(String::new, |time| {
        let text = time.to_string();
        text[..text.len() - (9 - digits)].to_owned()
    })
}

/// capinfos's names of the link types in the corpus.
fn link_type_name(number: u32) -> &'static str {
    match number {
        0 | 108 => "NULL/Loopback",
        1 => "Ethernet",
        9 | 50 => "PPP",
        12 | 14 | 101 => "Raw IP",
        104 => "Cisco HDLC",
        105 => "IEEE 802.11 Wireless LAN",
        113 => "Linux cooked-mode capture v1",
        119 => "IEEE 802.11 plus Prism II monitor mode radio header",
        160 => "USER 13",
        197 => "Extensible Record Format",
        226 => "Solaris IPNET",
        228 => "Raw IPv4",
        229 => "Raw IPv6",
        239 => "NFLOG",
        276 => "Linux cooked-mode capture v2",
        _ => "unknown",
    }
}

#[test]
fn counts_times_and_link_types_equal_the_manifest() {
    let Some(corpus) = corpus() else { return };
    let rows = captures(&corpus);
    let mut differences = Vec::new();
    for row in &rows {
        let file = &row["file"];
        let summary = read(&corpus.join(file));
        let mut names: BTreeSet<_> = summary
            .interfaces
            .iter()
            .map(|i| link_type_name(i.link_type.0))
            .collect();
        if names.is_empty() {
            names.insert("unknown");
        }
        let expected: BTreeSet<_> = row["link_types"].split(", ").collect();
        // capinfos leaves times out where a frame has none, and prints a fraction of a million microseconds as it is.
        let without_time = ["", "n/a", "1418145370.1000000"];
        let mut differs = |what: &str, found: String, expected: &str| {
            if found != expected && !without_time.contains(&expected) {
                differences.push(format!("{file}: {what} {found}, expected {expected}"));
            }
        };
        differs("packets", summary.frames.to_string(), &row["packets"]);
        differs(
            "earliest",
            shown(summary.earliest, &row["first_timestamp"]),
            &row["first_timestamp"],
        );
        differs(
            "latest",
            shown(summary.latest, &row["last_timestamp"]),
            &row["last_timestamp"],
        );
        differs("link types", format!("{names:?}"), &format!("{expected:?}"));
    }
    assert!(rows.len() >= 295, "{} captures", rows.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_whole_corpus_is_one_stream() {
    let Some(corpus) = corpus() else { return };
    let rows = captures(&corpus);
    let inputs: Vec<_> = rows
        .iter()
        .map(|row| Input::Path(corpus.join(&row["file"])))
        .collect();
    let mut stream = Captures::open(&inputs).unwrap();
    let mut next = vec![1; inputs.len()];
    while let Some(batch) = stream.next_batch().unwrap() {
        for frame in batch.frames() {
            assert_eq!(
                frame.number, next[frame.file],
                "{}",
                rows[frame.file]["file"]
            );
            next[frame.file] += 1;
        }
    }
    for (row, next) in rows.iter().zip(next) {
        assert_eq!((next - 1).to_string(), row["packets"], "{}", row["file"]);
    }
}
