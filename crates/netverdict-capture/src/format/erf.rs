//! Endace ERF files: recognised and counted record by record. Their frames are of a link type that is not decoded.

use netverdict_net::Timestamp;

use super::extra::Extra;
use super::{Log, Step, u16_at};
use crate::LinkType;
use crate::chunk::Record;
use crate::summary::Interface;

/// Bytes of a record header: time, type, flags, record length, loss counter, wire length.
const HEADER: usize = 16;
/// Records of this type only fill space.
const TYPE_PAD: u8 = 48;
/// More of them in a row than the format would let pass by chance.
const RECORDS_TO_BELIEVE: usize = 4;

/// An ERF file: it has no header.
#[derive(Debug)]
pub(crate) struct Erf;

/// The fields of a record header that matter.
struct Header {
    time: Timestamp,
    kind: u8,
    record_len: usize,
    wire_len: u16,
}

impl Header {
    fn read(rest: &[u8]) -> Option<Self> {
        let ticks = u64::from_le_bytes(*rest.first_chunk()?);
        // 32 bits of seconds, 32 bits of fraction.
        let nanoseconds = ((ticks & 0xffff_ffff) * 1_000_000_000) >> 32;
        Some(Self {
            time: Timestamp::new((ticks >> 32) as i64, nanoseconds as u32),
            kind: rest.get(8)? & 0x7f,
            record_len: u16_at(rest, 10, true)?.into(),
            wire_len: u16_at(rest, 14, true)?,
        })
    }

    fn is_plausible(&self) -> bool {
        (1..=TYPE_PAD).contains(&self.kind) && self.record_len >= HEADER
    }
}

/// Whether a file that begins so is ERF: there is no magic number, but record lengths lead from header to header.
pub(crate) fn is_erf(start: &[u8], is_all: bool) -> bool {
    let mut rest = start;
    for count in 0.. {
        if rest.is_empty() && is_all {
            return count > 0;
        }
        match Header::read(rest) {
            Some(header) if header.is_plausible() => match rest.get(header.record_len..) {
                Some(next) => rest = next,
                None => return count >= RECORDS_TO_BELIEVE,
            },
            Some(_) => return false,
            None => return count >= RECORDS_TO_BELIEVE,
        }
    }
    false
}

/// The one interface that all records are given.
pub(crate) fn interface() -> Interface {
    Interface {
        name: None,
        link_type: LinkType::ERF,
        snaplen: 0,
        fcs_len: 0,
    }
}

impl Erf {
    #[expect(clippy::unused_self, reason = "walkers are used alike")]
    pub(crate) fn step(&self, rest: &[u8], at: usize, _log: &mut Log<'_>) -> Step {
        let Some(header) = Header::read(rest) else {
            return Step::Need(HEADER);
        };
        if header.record_len < HEADER {
            return Step::Malformed(format!(
                "record length {}, expected at least {HEADER}",
                header.record_len
            ));
        }
        if rest.len() < header.record_len {
            return Step::Need(header.record_len);
        }
        let next = at + header.record_len;
        if header.kind == TYPE_PAD {
            return Step::Other { next };
        }
        Step::Record {
            record: Record {
                time: header.time,
                data: at as u32,
                captured: header.record_len as u32,
                original: (header.record_len as u32)
                    .max(u32::from(header.wire_len) + HEADER as u32),
                interface: 0,
                extra: Extra::None,
            },
            next,
        }
    }
}
