use std::io::{self, Cursor, Read, Write};

use netverdict_capture::{CaptureError, CaptureReader, Compression, Frame, Summary, Warning};
use proptest::prelude::*;

use crate::bytes::{
    BIG, EDITCAP_MODIFIED, LITTLE, TCPDUMP_ETHERNET, TCPDUMP_SLL2, TEXT2PCAP_DIRECTIONS, hex, read,
    read_all,
};
use crate::decode_capture;

/// A pcap of frames of growing length.
fn pcap(frames: u32) -> Vec<u8> {
    let record = |n: u32| LITTLE.record(n, 0, n, &vec![n as u8; n as usize % 300]);
    let header = LITTLE.pcap(0xa1b2_c3d4, 0, 101);
    [header, (1..=frames).flat_map(record).collect()].concat()
}

/// The same as pcapng, with interfaces and sections on the way.
fn pcapng(frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    for n in 0..frames {
        let endian = if n / 50 % 2 == 0 { LITTLE } else { BIG };
        if n % 50 == 0 {
            file.extend(endian.section());
        }
        if n % 10 == 0 {
            file.extend(endian.interface(
                101,
                0,
                &[endian.option(2, format!("eth{n}").as_bytes())],
            ));
        }
        let comment = endian.option(1, b"a comment");
        file.extend(endian.enhanced(
            n % 50 / 10,
            n.into(),
            300,
            &vec![n as u8; n as usize % 300],
            &[comment],
        ));
    }
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Reads bytes that are no capture as well as those that are: it must only end.
fn read_any(bytes: &[u8]) -> Option<(Vec<Frame<'static>>, Summary)> {
    let reader = CaptureReader::from_reader("test", Cursor::new(bytes.to_vec())).ok()?;
    let (frames, summary) = read_all(reader);
    for frame in &frames {
        let _packet = frame.packet();
    }
    Some((frames, summary))
}

#[test]
fn a_capture_cut_anywhere_is_read_to_the_cut() {
    for whole in [pcap(20), pcapng(60)] {
        let (all, _) = read(&whole);
        for len in 24..whole.len() {
            let Some((frames, summary)) = read_any(&whole[..len]) else {
                panic!("refused at {len}");
            };
            assert_eq!(frames, all[..frames.len()], "cut at {len}");
            let cut = summary.warnings.iter().find_map(|w| match w {
                Warning::Cut { frame, offset } => Some((*frame, *offset)),
                _ => None,
            });
            // Without a warning the cut is between two records: one more byte makes one.
            if let Some((frame, offset)) = cut {
                assert_eq!(frame, frames.len() as u64 + 1);
                assert!(offset < len as u64);
            } else {
                let (_, next) = read_any(&whole[..=len]).unwrap();
                let is_whole = len + 1 == whole.len();
                assert!(is_whole || !next.warnings.is_empty(), "no warning at {len}");
            }
        }
    }
}

#[test]
fn compressed_captures_read_alike() {
    for whole in [pcap(2000), pcapng(2000)] {
        let (frames, _) = read(&whole);
        for (packed, compression) in [
            (gzip(&whole), Compression::Gzip),
            (zstd(&whole), Compression::Zstd),
            (xz(&whole), Compression::Xz),
        ] {
            let (unpacked, summary) = read(&packed);
            assert_eq!(unpacked, frames);
            assert_eq!(summary.compression, Some(compression));
            assert_eq!(summary.warnings, []);
        }
    }
}

/// As `cat a.gz b.gz` makes them: several members, frames or streams in a row.
#[test]
fn compressed_parts_in_a_row_are_one_capture() {
    let whole = pcap(2000);
    let (frames, _) = read(&whole);
    let (first, second) = whole.split_at(whole.len() / 3);
    for pack in [gzip, zstd, xz] {
        let (unpacked, summary) = read(&[pack(first), pack(second)].concat());
        assert_eq!(unpacked, frames);
        assert_eq!(summary.warnings, []);
    }
}

#[test]
fn cut_compressed_data_keeps_the_frames_before_the_cut() {
    let whole = pcap(2000);
    let (all, _) = read(&whole);
    for pack in [gzip, zstd, xz] {
        let packed = pack(&whole);
        for percent in [50, 75, 99] {
            match CaptureReader::from_reader(
                "test",
                Cursor::new(packed[..packed.len() * percent / 100].to_vec()),
            ) {
                Ok(reader) => {
                    let (frames, summary) = read_all(reader);
                    assert_eq!(frames, all[..frames.len()]);
                    assert!(
                        matches!(summary.warnings[..], [Warning::Compression { .. }]),
                        "{:?}",
                        summary.warnings
                    );
                }
                // A block that nothing came out of.
                Err(error) => assert!(matches!(error, CaptureError::Compression { .. }), "{error}"),
            }
        }
    }
    let (frames, _) = read_any(&gzip(&whole)[..gzip(&whole).len() * 3 / 4]).unwrap();
    assert!(frames.len() > 500, "{}", frames.len());
}

#[test]
fn damaged_gzip_says_so_and_keeps_what_came_out() {
    let mut packed = gzip(&pcap(2000));
    let crc = packed.len() - 8;
    packed[crc] ^= 1;
    let (frames, summary) = read(&packed);
    assert_eq!(frames.len(), 2000);
    assert!(matches!(
        summary.warnings[..],
        [Warning::Compression { .. }]
    ));
}

#[test]
fn nonsense_lengths_end_the_reading() {
    let mut file = pcap(10);
    let at = file.len() as u64;
    file.extend(LITTLE.words(&[1, 0, 0x7fff_ffff, 5]));
    file.extend(vec![0; 1000]);
    let (frames, summary) = read(&file);
    assert_eq!(frames.len(), 10);
    insta::assert_snapshot!(summary.warnings[0].to_string(), @"frame 11 (record at offset 239) is malformed: captured length 2147483647, expected at most 262144; read up to there");
    assert!(
        matches!(summary.warnings[..], [Warning::Malformed { frame: 11, offset, .. }] if offset == at)
    );
}

#[test]
fn broken_pcapng_blocks_end_the_reading() {
    let block = LITTLE.block(5, &[0; 8]);
    let warning = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut broken = block.clone();
        change(&mut broken);
        let (frames, summary) = read(&[pcapng(3), broken].concat());
        assert_eq!(frames.len(), 3);
        summary.warnings[0].to_string()
    };
    insta::assert_snapshot!(warning(&|b| b[16] = 24), @"frame 4 (record at offset 208) is malformed: block length fields don't match: initial 20B, trailing 24B; read up to there");
    insta::assert_snapshot!(warning(&|b| b[4] = 8), @"frame 4 (record at offset 208) is malformed: block is too short: minimum 12B, actual 8B; read up to there");
    insta::assert_snapshot!(warning(&|b| b[4] = 21), @"frame 4 (record at offset 208) is malformed: block length is not a multiple of 4: 21B; read up to there");
    insta::assert_snapshot!(warning(&|b| b[7] = 0xff), @"frame 4 (record at offset 208) is malformed: block length 4278190100, expected at most 134479872; read up to there");
    insta::assert_snapshot!(warning(&|b| b[..4].copy_from_slice(&[0x0a, 0x0d, 0x0d, 0x0a])), @"frame 4 (record at offset 208) is malformed: byte-order magic 0x00000000, expected 0x1a2b3c4d; read up to there");
    insta::assert_snapshot!(warning(&|b| b.truncate(9)), @"cut off in frame 4 (record at offset 208); read up to there");
}

/// A device that fails: what came before is handed out, then the error, then the end.
#[test]
fn a_read_error_comes_after_the_frames_before_it() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("medium error"))
        }
    }
    let input = Cursor::new(pcap(100)).chain(Fails);
    let mut reader = CaptureReader::from_reader("disk.pcap", input)
        .unwrap()
        .chunk_size(1000);
    let mut frames = 0;
    let error = loop {
        match reader.next_chunk() {
            Ok(Some(chunk)) => frames += chunk.len(),
            Ok(None) => panic!("no error"),
            Err(error) => break error,
        }
    };
    assert_eq!(frames, 100);
    assert_eq!(error.to_string(), "disk.pcap: cannot read: medium error");
    assert!(reader.next_chunk().unwrap().is_none());
}

#[test]
fn chunk_size_changes_nothing() {
    for whole in [pcap(1500), pcapng(1500)] {
        let (expected, expected_summary) = read(&whole);
        for size in [0, 1, 7, 100, 4096, 5000, 65536, 10_000_000] {
            let reader = CaptureReader::from_reader("test", Cursor::new(whole.clone())).unwrap();
            let (frames, summary) = read_all(reader.chunk_size(size));
            assert_eq!(frames, expected, "chunks of {size}");
            assert_eq!(summary, expected_summary, "chunks of {size}");
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        hex(TCPDUMP_ETHERNET),
        hex(TCPDUMP_SLL2),
        hex(EDITCAP_MODIFIED),
        hex(TEXT2PCAP_DIRECTIONS),
        pcap(10),
        pcapng(60),
        gzip(&pcap(30)),
        zstd(&pcapng(30)),
    ]
}

/// A capture with bytes overwritten, inserted and cut.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    let changes = prop::collection::vec(change, 1..12);
    (prop::sample::select(seeds()), changes).prop_map(|(mut bytes, changes)| {
        for (index, value, kind) in changes {
            let at = index
                .index(bytes.len().max(1))
                .min(bytes.len().saturating_sub(1));
            match kind {
                0 => bytes.insert(at, value),
                1 if bytes.len() > 30 => bytes.truncate(at.max(30)),
                _ => bytes[at] = value,
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn fuzz_target_holds_on_mutated_captures(bytes in mutated()) {
        decode_capture::run(&bytes);
    }

    #[test]
    fn random_bytes_end_and_do_not_panic(magic in 0..6_usize, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let starts: [&[u8]; 6] = [
            &[],
            &[0xd4, 0xc3, 0xb2, 0xa1],
            &[0xa1, 0xb2, 0xcd, 0x34],
            &[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a],
            &[0x1f, 0x8b, 8],
            &[0xfd, b'7', b'z', b'X', b'Z', 0],
        ];
        decode_capture::run(&[starts[magic], &bytes].concat());
    }

    /// Any bytes as a frame of any link type that is read.
    #[test]
    fn any_frame_decodes(
        link_type in prop::sample::select(vec![0, 1, 12, 101, 108, 113, 228, 229, 276]),
        ether_type in prop::sample::select(vec![0x0800_u16, 0x8100, 0x88a8, 0x8864, 0x8847, 0x86dd, 0x0806]),
        mut data in prop::collection::vec(any::<u8>(), 0..120),
        original in 0..200_u32,
    ) {
        for at in [12, 14, 0] {
            if let Some(field) = data.get_mut(at..at + 2) {
                field.copy_from_slice(&ether_type.to_be_bytes());
            }
        }
        let file = [LITTLE.pcap(0xa1b2_c3d4, 0, link_type), LITTLE.record(1, 0, original, &data)];
        let (frames, _) = read_any(&file.concat()).unwrap();
        prop_assert_eq!(frames.len(), 1);
    }
}
