//! Any bytes as a capture: reading ends, does not panic, does not depend on the chunk size, and what was read can be
//! written and read again.

use std::io::Cursor;

use netverdict_capture::{
    CaptureReader, Frame, FrameOut, Interface, InterfaceOut, PcapngWriter, Summary,
};

/// Runs the target on one input.
pub fn run(bytes: &[u8]) {
    let Some((frames, summary)) = read(bytes, 1 << 20) else {
        return;
    };
    assert_eq!(summary.frames, frames.len() as u64);
    assert_eq!(Some((frames.clone(), summary.clone())), read(bytes, 61));
    for frame in &frames {
        if let Some(Ok(packet)) = frame.packet() {
            assert!(packet.captured().len() <= packet.len());
            assert!(packet.len() <= frame.original_len);
        }
    }
    rewrite(&frames, &summary.interfaces);
}

/// All frames and the summary, or `None` if the bytes are no capture.
fn read(bytes: &[u8], chunk_size: usize) -> Option<(Vec<Frame<'static>>, Summary)> {
    let reader = CaptureReader::from_reader("fuzz", Cursor::new(bytes.to_vec())).ok()?;
    let mut reader = reader.chunk_size(chunk_size);
    let mut frames = Vec::new();
    while let Some(chunk) = reader.next_chunk().expect("memory can be read") {
        frames.extend(chunk.frames().map(Frame::into_owned));
    }
    Some((frames, reader.into_summary()))
}

/// Frames that pcapng has room for come back as they were.
fn rewrite(frames: &[Frame<'_>], interfaces: &[Interface]) {
    let fits = |frame: &&Frame<'_>| frame.time.0 >= 0 && u16::try_from(frame.link_type.0).is_ok();
    let kept: Vec<_> = frames.iter().filter(fits).collect();
    let mut writer = PcapngWriter::new(Vec::new(), "fuzz").expect("memory can be written");
    for (interface, frame) in (0..).zip(&kept) {
        let of = frame.interface_index.and_then(|i| interfaces.get(i));
        let described = InterfaceOut::of(of.expect("a known link type has an interface"));
        writer.interface(&described).expect("memory can be written");
        writer
            .write(interface, &FrameOut::of(frame))
            .expect("the frame fits");
    }
    let (again, _) = read(&writer.finish(), 4096).expect("a capture was written");
    assert_eq!(again.len(), kept.len());
    for (again, before) in again.iter().zip(kept) {
        assert_eq!(
            (again.time, &again.data, again.original_len),
            (before.time, &before.data, before.original_len)
        );
        assert_eq!(
            (again.direction_hint, &again.tags),
            (before.direction_hint, &before.tags)
        );
    }
}
