//! Measuring inputs are what they say: routed packets that no rule but the policy decides, with right numbers.

use netverdict_capture::{Captures, Input};
use netverdict_forge::load::{rules, traffic};

#[test]
fn same_seed_same_capture() {
    let directory = std::env::temp_dir().join(format!("netverdict-load-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let amount = traffic::Amount {
        packets: 500,
        flows: 20,
        pace: 1000,
        seed: 3,
    };
    let mut read = Vec::new();
    for name in ["a", "b"] {
        let path = directory.join(name);
        traffic::write(traffic::Kind::Small, amount, &path).unwrap();
        read.push(std::fs::read(&path).unwrap());
    }
    assert_eq!(read[0], read[1]);
    let path = directory.join("a");
    let mut captures = Captures::open(&[Input::of(path.as_os_str())]).unwrap();
    let mut frames = 0;
    while let Some(batch) = captures.next_batch().unwrap() {
        for index in 0..batch.len() {
            let frame = batch.frame(index).unwrap();
            assert_eq!(frame.data.len(), 64);
            frames += 1;
        }
    }
    assert_eq!(frames, 500);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn a_ruleset_has_as_many_rules_as_asked() {
    let dump = rules::dump(rules::Kind::Filter, 1000, 1);
    assert_eq!(dump.lines().filter(|l| l.starts_with("-A")).count(), 1001);
}
