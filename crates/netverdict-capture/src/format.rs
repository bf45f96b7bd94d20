//! The file formats: where the next record lies and what its header says.
//!
//! Together with [`write`] the only place that knows the pcap-file crate. It is used only for what it reads right:
//! headers, raw pcap records and raw pcapng blocks. Its validation refuses files that tcpdump and Wireshark read, so the
//! fields are judged here.

pub(crate) mod erf;
pub(crate) mod extra;
pub(crate) mod pcap;
pub(crate) mod pcapng;
pub(crate) mod write;

use crate::LinkType;
use crate::chunk::Record;
use crate::summary::{Oddity, Summary};

/// The most captured bytes that a frame of the usual link types may have: beyond it a record header is nonsense
/// (libpcap's MAXIMUM_SNAPLEN).
const MAX_FRAME: usize = 262_144;
/// The same for link types that carry more (libpcap's max_snaplen_for_dlt: D-Bus, USB, EBHSCR).
const MAX_LARGE_FRAME: usize = 128 << 20;

/// The most captured bytes that a frame of a link type may have.
const fn max_frame(link_type: LinkType) -> usize {
    match link_type.0 {
        189 | 220 | 231 | 249 | 266 | 279 | 288 | 293..=295 => MAX_LARGE_FRAME,
        _ => MAX_FRAME,
    }
}

/// What is at an offset.
#[derive(Debug)]
pub(crate) enum Step {
    /// A frame's record; the next one begins at `next`.
    Record { record: Record, next: usize },
    /// Something else.
    Other { next: usize },
    /// The record is longer than the bytes at hand: it needs this many from its beginning on.
    Need(usize),
    /// Nothing that can be: what is wrong.
    Malformed(String),
}

/// Where a walk stands, for what it has to say.
pub(crate) struct Log<'a> {
    pub(crate) summary: &'a mut Summary,
    /// The number of the frame that comes next.
    pub(crate) frame: u64,
}

impl Log<'_> {
    pub(crate) fn odd(&mut self, what: Oddity) {
        self.summary.odd(what, self.frame);
    }
}

/// Finds the records of one format.
#[derive(Debug)]
pub(crate) enum Walker {
    Pcap(pcap::Pcap),
    Modified(pcap::Modified),
    Pcapng(pcapng::Pcapng),
    Erf(erf::Erf),
}

impl Walker {
    /// Puts records that follow each other from `at` on into `records`, as long as there is nothing to be said of any; where
    /// they end.
    #[inline]
    pub(crate) fn run(&mut self, bytes: &[u8], at: usize, records: &mut Vec<Record>) -> usize {
        match self {
            Self::Pcap(pcap) => pcap.run(bytes, at, records),
            Self::Pcapng(pcapng) => pcapng.run(bytes, at, records),
            Self::Modified(_) | Self::Erf(_) => at,
        }
    }

    /// What is at `at`; `bytes` are a chunk of at most 4 GiB.
    pub(crate) fn step(&mut self, bytes: &[u8], at: usize, log: &mut Log<'_>) -> Step {
        let rest = bytes.get(at..).unwrap_or_default();
        match self {
            Self::Pcap(pcap) => pcap.step(rest, at, log),
            Self::Modified(pcap) => pcap.step(rest, at, log),
            Self::Pcapng(pcapng) => pcapng.step(rest, at, log),
            Self::Erf(erf) => erf.step(rest, at, log),
        }
    }
}

/// Captured and wire length as they should have been written.
fn lengths(captured: u32, original: u32, log: &mut Log<'_>) -> (u32, u32) {
    if original < captured {
        log.odd(Oddity::Lengths);
    }
    (captured, original.max(captured))
}

/// Two bytes in the file's order.
fn u16_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u16> {
    let word = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian {
        u16::from_be_bytes(word)
    } else {
        u16::from_le_bytes(word)
    })
}

/// Four bytes in the file's order.
fn u32_at(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let word = *bytes.get(at..)?.first_chunk()?;
    Some(if big_endian {
        u32::from_be_bytes(word)
    } else {
        u32::from_le_bytes(word)
    })
}
