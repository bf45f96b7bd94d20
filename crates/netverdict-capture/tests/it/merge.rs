use std::fs;
use std::path::PathBuf;

use netverdict_capture::{Captures, Input};
use rayon::iter::ParallelIterator;

use crate::bytes::LITTLE;

/// A capture with a frame at each of these seconds, in a file of its own.
fn file(test: &str, name: usize, seconds: impl IntoIterator<Item = u32>) -> Input {
    let folder =
        std::env::temp_dir().join(format!("netverdict-merge-{}-{test}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path: PathBuf = folder.join(format!("{name:04}.pcap"));
    let records = seconds
        .into_iter()
        .flat_map(|s| LITTLE.record(s, 0, 60, &[0x45; 30]));
    fs::write(
        &path,
        [LITTLE.pcap(0xa1b2_c3d4, 0, 101), records.collect()].concat(),
    )
    .unwrap();
    Input::Path(path)
}

/// File, number and second of each frame.
fn stream(inputs: &[Input]) -> Vec<(usize, u64, i64)> {
    let mut captures = Captures::open(inputs).unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = captures.next_batch().unwrap() {
        let frames: Vec<_> = batch
            .frames()
            .map(|f| (f.file, f.number, f.time.seconds()))
            .collect();
        let parallel: Vec<_> = batch
            .par_frames()
            .map(|f| f.map(|f| (f.file, f.number, f.time.seconds())))
            .collect();
        assert_eq!(
            parallel,
            frames.iter().copied().map(Some).collect::<Vec<_>>()
        );
        assert_eq!(batch.len(), frames.len());
        seen.extend(frames);
    }
    let counts: Vec<_> = captures.files().map(|f| f.frames).collect();
    assert_eq!(counts.iter().sum::<u64>(), seen.len() as u64);
    seen
}

/// At equal times the capture named first goes first; within a capture its own order holds.
#[test]
fn merged_by_time_then_file_then_number() {
    let inputs = [
        file("order", 0, [1, 3, 3, 2, 9]),
        file("order", 1, [0, 3, 4]),
        file("order", 2, []),
        file("order", 3, [3]),
    ];
    assert_eq!(
        stream(&inputs),
        [
            (1, 1, 0),
            (0, 1, 1),
            (0, 2, 3),
            (0, 3, 3),
            (0, 4, 2),
            (1, 2, 3),
            (3, 1, 3),
            (1, 3, 4),
            (0, 5, 9),
        ]
    );
}

#[test]
fn one_capture_keeps_its_order() {
    let seen = stream(&[file("single", 0, [5, 4, 6])]);
    assert_eq!(seen, [(0, 1, 5), (0, 2, 4), (0, 3, 6)]);
}

/// More captures than are kept open, overlapping and rotated, each longer than a batch's share.
#[test]
fn many_captures() {
    let inputs: Vec<_> = (0..60_u32)
        .map(|n| file("many", n as usize, (0..900).map(move |i| n * 300 + i)))
        .collect();
    let seen = stream(&inputs);
    assert_eq!(seen.len(), 60 * 900);
    assert!(seen.is_sorted_by_key(|(file, number, second)| (*second, *file, *number)));
}

#[test]
fn no_captures_are_an_empty_stream() {
    assert_eq!(stream(&[]), []);
}
