//! Each stage by itself: finding records, decoding frames, parsing dumps, replaying.

#![expect(clippy::unwrap_used, reason = "inputs are made here")]

use std::path::PathBuf;

use divan::Bencher;
use divan::counter::ItemsCount;
use netverdict_bundle::{Bundle, Overrides, infer};
use netverdict_capture::{CaptureReader, Captures, Input};
use netverdict_engine::Config;
use netverdict_forge::load::{rules, traffic};
use netverdict_net::Family;
use netverdict_replay::{NullSink, Options, Session, Setup, survey};
use netverdict_syntax::{ParseOptions, parse_dump};

const PACKETS: u64 = 100_000;

fn main() {
    divan::main();
}

/// Where the inputs lie, made when first asked for.
fn directory() -> PathBuf {
    let directory = std::env::temp_dir().join("netverdict-stages");
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn capture(kind: traffic::Kind) -> Input {
    let path = directory().join(format!("{kind:?}.pcap"));
    let amount = traffic::Amount {
        packets: PACKETS,
        flows: 5_000,
        pace: 10_000,
        seed: 1,
    };
    traffic::write(kind, amount, &path).unwrap();
    Input::Path(path)
}

fn setup(count: u64, input: &Input) -> Setup {
    let path = directory().join(format!("rules-{count}"));
    rules::write(rules::Kind::Filter, count, 1, &path).unwrap();
    let bundle = Bundle::read(path.as_os_str(), &[] as &[PathBuf]).unwrap();
    let dumps = bundle.parse_dumps();
    let (source, ruleset) = dumps.ruleset(Family::V4).unwrap();
    let ruleset = ruleset.clone();
    let (survey, _) = survey(open(input)).unwrap();
    let inferred = infer(&bundle, &[&ruleset], &survey, &Overrides::default()).unwrap();
    Setup {
        rulesets: vec![ruleset],
        dumps: vec![source],
        sets: None,
        timeouts: None,
        fingerprints: None,
        inferred,
        config: Config::default(),
        bundle,
    }
}

fn open(input: &Input) -> Captures {
    Captures::open(std::slice::from_ref(input)).unwrap()
}

#[divan::bench(args = [traffic::Kind::Small, traffic::Kind::Mixed])]
fn find_records(bencher: Bencher<'_, '_>, kind: traffic::Kind) {
    let input = capture(kind);
    bencher.counter(ItemsCount::new(PACKETS)).bench(|| {
        let reader = CaptureReader::open(&input).unwrap();
        reader.map(|chunk| chunk.unwrap().len()).sum::<usize>()
    });
}

#[divan::bench(args = [traffic::Kind::Small, traffic::Kind::Mixed])]
fn decode_frames(bencher: Bencher<'_, '_>, kind: traffic::Kind) {
    let input = capture(kind);
    bencher.counter(ItemsCount::new(PACKETS)).bench(|| {
        let reader = CaptureReader::open(&input).unwrap();
        let packets = reader.map(|chunk| {
            let chunk = chunk.unwrap();
            let packets = chunk.frames().filter(|f| matches!(f.packet(), Some(Ok(_))));
            packets.count()
        });
        packets.sum::<usize>()
    });
}

#[divan::bench(args = [100, 10_000])]
fn parse_rules(bencher: Bencher<'_, '_>, count: u64) {
    let text = rules::dump(rules::Kind::Filter, count, 1);
    bencher
        .counter(ItemsCount::new(count))
        .bench(|| parse_dump(text.as_bytes(), &ParseOptions::default()));
}

#[divan::bench(args = [10, 100, 1_000, 10_000], sample_count = 10)]
fn replay(bencher: Bencher<'_, '_>, count: u64) {
    let input = capture(traffic::Kind::Small);
    let setup = setup(count, &input);
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        let mut session = Session::new(&setup, Options::default());
        session
            .run(open(&input), &mut NullSink, &mut (), &|_| {})
            .unwrap();
        session.totals()
    });
}

#[divan::bench(sample_count = 10)]
fn replay_new_flows(bencher: Bencher<'_, '_>) {
    let input = capture(traffic::Kind::Scan);
    let setup = setup(1_000, &input);
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        let mut session = Session::new(&setup, Options::default());
        session
            .run(open(&input), &mut NullSink, &mut (), &|_| {})
            .unwrap();
        session.totals()
    });
}
