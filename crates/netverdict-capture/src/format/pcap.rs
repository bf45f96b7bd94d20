//! Classic pcap, both precisions and byte orders, and the modified pcap of Alexey Kuznetzov's old libpcap patches.

use netverdict_net::Timestamp;
use pcap_file::Endianness;
use pcap_file::pcap::{PcapHeader, PcapParseError, PcapParser, PcapTsResolution, RawPcapPacket};

use super::extra::Extra;
use super::{Log, Step, lengths, max_frame, u32_at};
use crate::LinkType;
use crate::chunk::Record;
use crate::summary::{Format, Interface, Oddity};

/// Bytes of the file header.
pub(crate) const FILE_HEADER: usize = 24;
/// Bytes of a record header.
const RECORD_HEADER: usize = 16;
/// Bytes of a modified pcap's record header: interface index, protocol, packet type and a pad follow the usual ones.
const MODIFIED_HEADER: usize = 24;
/// Nanoseconds.
const SECOND: u32 = 1_000_000_000;
/// The modified pcap's magic number.
pub(crate) const MODIFIED_MAGIC: u32 = 0xa1b2_cd34;

/// A classic pcap.
#[derive(Debug)]
pub(crate) struct Pcap {
    parser: PcapParser,
    fields: Fields,
}

/// A modified pcap, whose records pcap-file does not know.
#[derive(Debug)]
pub(crate) struct Modified {
    fields: Fields,
}

/// How to read the fields of a record header.
#[derive(Debug, Clone, Copy)]
struct Fields {
    big_endian: bool,
    nanoseconds: bool,
    /// Old writers swapped the two lengths.
    may_be_swapped: bool,
    max_frame: usize,
}

impl Fields {
    fn of(header: &PcapHeader) -> Self {
        Self {
            big_endian: header.endianness == Endianness::Big,
            nanoseconds: header.ts_resolution == PcapTsResolution::NanoSecond,
            // Version 2.3 or before, and 543.0 by DG/UX (libpcap, sf-pcap.c).
            may_be_swapped: match header.version_major {
                2 => header.version_minor <= 3,
                major => major == 543,
            },
            max_frame: max_frame(link_type(header)),
        }
    }

    /// Nanoseconds that one of its fractions of a second is.
    const fn unit(self) -> u32 {
        if self.nanoseconds { 1 } else { 1000 }
    }

    /// The record header, for what pcap-file would misread.
    fn header(self, rest: &[u8]) -> Option<RawPcapPacket<'static>> {
        let word = |at| u32_at(rest, at, self.big_endian);
        let (first, second) = (word(8)?, word(12)?);
        let swapped = self.may_be_swapped && first > second;
        Some(RawPcapPacket {
            ts_sec: word(0)?,
            ts_frac: word(4)?,
            incl_len: if swapped { second } else { first },
            orig_len: if swapped { first } else { second },
            data: (&[][..]).into(),
        })
    }

    /// A record of which pcap-file reads nothing: `len` bytes of header, then the data.
    fn step(self, rest: &[u8], at: usize, len: usize, extra: Extra, log: &mut Log<'_>) -> Step {
        let Some(raw) = self.header(rest).filter(|_| rest.len() >= len) else {
            return Step::Need(len);
        };
        let captured = raw.incl_len as usize;
        if captured > self.max_frame || rest.len() - len < captured {
            return self.need(len, captured);
        }
        Step::Record {
            record: self.record(&raw, at + len, extra, log),
            next: at + len + captured,
        }
    }

    /// The whole record, unless its length is nonsense.
    fn need(self, header: usize, captured: usize) -> Step {
        let max = self.max_frame;
        if captured > max {
            Step::Malformed(format!(
                "captured length {captured}, expected at most {max}"
            ))
        } else {
            Step::Need(header + captured)
        }
    }

    fn record(
        self,
        raw: &RawPcapPacket<'_>,
        data: usize,
        extra: Extra,
        log: &mut Log<'_>,
    ) -> Record {
        let unit = self.unit();
        let last = SECOND / unit - 1;
        if raw.ts_frac > last {
            log.odd(Oddity::Fraction);
        }
        let (captured, original) = lengths(raw.incl_len, raw.orig_len, log);
        Record {
            time: Timestamp::new(i64::from(raw.ts_sec), raw.ts_frac.min(last) * unit),
            data: data as u32,
            captured,
            original,
            interface: 0,
            extra,
        }
    }
}

/// What the 24 bytes of a file header say.
pub(crate) fn open_classic(header: &[u8]) -> Option<(Pcap, Format, Interface)> {
    let (_, parser) = PcapParser::new(header).ok()?;
    let header = parser.header();
    let fields = Fields::of(&header);
    let format = Format::Pcap {
        nanoseconds: fields.nanoseconds,
        big_endian: fields.big_endian,
    };
    Some((Pcap { parser, fields }, format, interface(&header)))
}

/// The same for a modified pcap.
pub(crate) fn open_modified(header: &[u8]) -> Option<(Modified, Format, Interface)> {
    let big_endian = match u32_at(header, 0, true)? {
        MODIFIED_MAGIC => true,
        magic if magic.swap_bytes() == MODIFIED_MAGIC => false,
        _ => return None,
    };
    // All but the magic number is as in a classic header.
    let magic: u32 = 0xa1b2_c3d4;
    let mut usual = if big_endian {
        magic.to_be_bytes()
    } else {
        magic.to_le_bytes()
    }
    .to_vec();
    usual.extend_from_slice(header.get(4..FILE_HEADER)?);
    let (_, header) = PcapHeader::from_slice(&usual).ok()?;
    let fields = Fields::of(&header);
    let format = Format::ModifiedPcap { big_endian };
    Some((Modified { fields }, format, interface(&header)))
}

/// The one interface of a pcap. The link-type word's upper bits: frame check sequence length in 16-bit units, and
/// whether that is meant (bit 26); libpcap, pcap-common.h.
fn interface(header: &PcapHeader) -> Interface {
    let word = u32::from(header.datalink);
    let fcs_units = if word & 0x0400_0000 == 0 {
        0
    } else {
        word >> 28
    };
    Interface {
        name: None,
        link_type: link_type(header),
        snaplen: header.snaplen,
        fcs_len: fcs_units as u8 * 2,
    }
}

fn link_type(header: &PcapHeader) -> LinkType {
    LinkType(u32::from(header.datalink) & 0x03ff_ffff)
}

impl Pcap {
    /// Puts the plain records that follow each other from `at` on into `records`; where they end. A plain record is whole
    /// and nothing about it is odd: what is behind them is for [`Self::step`].
    pub(crate) fn run(&self, bytes: &[u8], mut at: usize, records: &mut Vec<Record>) -> usize {
        let Fields {
            big_endian,
            max_frame,
            may_be_swapped,
            ..
        } = self.fields;
        let unit = self.fields.unit();
        let last = SECOND / unit - 1;
        while let Some(header) = bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk::<RECORD_HEADER>)
        {
            let word = |at: usize| {
                let word = u32::from_le_bytes([
                    header[at],
                    header[at + 1],
                    header[at + 2],
                    header[at + 3],
                ]);
                if big_endian { word.swap_bytes() } else { word }
            };
            let (seconds, fraction, captured, original) = (word(0), word(4), word(8), word(12));
            let data = at + RECORD_HEADER;
            let is_whole =
                captured as usize <= max_frame && captured as usize <= bytes.len() - data;
            if !is_whole || original < captured || fraction > last || may_be_swapped {
                break;
            }
            records.push(Record {
                time: Timestamp::new(i64::from(seconds), fraction * unit),
                data: data as u32,
                captured,
                original,
                interface: 0,
                extra: Extra::None,
            });
            at = data + captured as usize;
        }
        at
    }

    pub(crate) fn step(&self, rest: &[u8], at: usize, log: &mut Log<'_>) -> Step {
        if self.fields.may_be_swapped {
            return self.fields.step(rest, at, RECORD_HEADER, Extra::None, log);
        }
        match self.parser.next_raw_packet(rest) {
            Ok((_, raw)) if raw.data.len() > self.fields.max_frame => {
                self.fields.need(RECORD_HEADER, raw.data.len())
            }
            Ok((_, raw)) => Step::Record {
                next: at + RECORD_HEADER + raw.data.len(),
                record: self
                    .fields
                    .record(&raw, at + RECORD_HEADER, Extra::None, log),
            },
            Err(PcapParseError::IncompleteBuffer(..)) if rest.len() < RECORD_HEADER => {
                Step::Need(RECORD_HEADER)
            }
            Err(PcapParseError::IncompleteBuffer(captured, _)) => {
                self.fields.need(RECORD_HEADER, captured)
            }
            Err(error) => Step::Malformed(error.to_string()),
        }
    }
}

impl Modified {
    pub(crate) fn step(&self, rest: &[u8], at: usize, log: &mut Log<'_>) -> Step {
        let extra = Extra::Modified {
            at: (at + RECORD_HEADER) as u32,
            big_endian: self.fields.big_endian,
        };
        self.fields.step(rest, at, MODIFIED_HEADER, extra, log)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::summary::Summary;

    /// A file header and records of any kind: plain, cut, odd ones, and lengths that cannot be.
    fn capture() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
        let length = || prop_oneof![4 => 0..60_u32, 1 => Just(300_000), 1 => any::<u32>()];
        let fraction = prop_oneof![4 => 0..1_000_000_u32, 1 => any::<u32>()];
        let record = (any::<u32>(), fraction, length(), length(), 0..70_usize);
        let version = prop_oneof![3 => Just(4_u16), 1 => Just(3)];
        let records = prop::collection::vec(record, 0..12);
        (any::<bool>(), any::<bool>(), version, records).prop_map(
            |(big_endian, nanoseconds, minor, records)| {
                let word = |word: u32| {
                    if big_endian {
                        word.to_be_bytes()
                    } else {
                        word.to_le_bytes()
                    }
                };
                let short = |word: u16| {
                    if big_endian {
                        word.to_be_bytes()
                    } else {
                        word.to_le_bytes()
                    }
                };
                let magic = if nanoseconds {
                    0xa1b2_3c4d
                } else {
                    0xa1b2_c3d4
                };
                let mut header = word(magic).to_vec();
                header.extend(short(2));
                header.extend(short(minor));
                header.extend([0, 0, 65_535, 1].map(word).concat());
                let mut body = Vec::new();
                for (seconds, fraction, captured, original, data) in records {
                    body.extend([seconds, fraction, captured, original].map(word).concat());
                    let data = if captured < 60 {
                        captured as usize
                    } else {
                        data
                    };
                    body.resize(body.len() + data, 7);
                }
                (header, body)
            },
        )
    }

    proptest! {
        /// Plain records in a row are what one after the other is found.
        #[test]
        fn a_run_finds_what_steps_find((header, body) in capture()) {
            let Some((pcap, format, _)) = open_classic(&header) else {
                return Ok(());
            };
            let mut summary = Summary::new(String::new(), format, None);
            let mut run = Vec::new();
            let end = pcap.run(&body, 0, &mut run);
            let mut at = 0;
            for found in &run {
                let mut log = Log {
                    summary: &mut summary,
                    frame: 1,
                };
                let rest = body.get(at..).unwrap_or_default();
                let Step::Record { record, next } = pcap.step(rest, at, &mut log) else {
                    return Err(TestCaseError::fail(format!("no record at {at}")));
                };
                prop_assert_eq!(*found, record);
                at = next;
            }
            prop_assert_eq!(end, at);
            // Nothing is to be said of a plain record.
            let untouched = Summary::new(String::new(), format, None);
            prop_assert_eq!(format!("{summary:?}"), format!("{untouched:?}"));
        }
    }
}
