//! pcapng: sections of either byte order, interface descriptions, and the three kinds of packet block.

use byteorder_slice::{BigEndian, LittleEndian};
use netverdict_net::Timestamp;
use pcap_file::pcapng::{RawBlock, RawBlockParseError};

use super::extra::{Extra, options};
use super::{Log, MAX_LARGE_FRAME, Step, lengths, u16_at, u32_at};
use crate::LinkType;
use crate::chunk::Record;
use crate::summary::{Interface, Oddity};

/// Type of the block that begins a section; reads the same in both byte orders.
pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
/// The byte-order magic behind it, as a big-endian section has it.
const ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Type, length, and length again.
const BLOCK_FRAME: usize = 12;
/// Room for a packet's fixed fields and options beside its data.
const MAX_BLOCK: usize = MAX_LARGE_FRAME + (256 << 10);

const OPTION_NAME: u16 = 2;
const OPTION_RESOLUTION: u16 = 9;
const OPTION_FCS_LEN: u16 = 13;
const OPTION_OFFSET: u16 = 14;

/// A pcapng file.
#[derive(Debug, Default)]
pub(crate) struct Pcapng {
    big_endian: bool,
    /// Where this section's interfaces begin among the file's.
    section: usize,
    /// All sections' interfaces.
    clocks: Vec<Clock>,
    last: Timestamp,
}

/// How an interface counts time.
#[derive(Debug, Clone, Copy)]
struct Clock {
    unit: Unit,
    /// Seconds to add.
    offset: i64,
}

/// A tick, as nanoseconds.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Times(u64),
    Divided(u128),
    /// 2 to the minus that many seconds.
    Binary(u32),
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            unit: Unit::Times(1000),
            offset: 0,
        }
    }
}

impl Clock {
    /// if_tsresol: a power of ten, or of two if the upper bit is set.
    fn unit(resolution: u8) -> Unit {
        let exponent = u32::from(resolution & 0x7f);
        if resolution & 0x80 != 0 {
            return Unit::Binary(exponent);
        }
        match 9_u32.checked_sub(exponent) {
            Some(less) => Unit::Times(10_u64.pow(less)),
            None => Unit::Divided(10_u128.checked_pow(exponent - 9).unwrap_or(u128::MAX)),
        }
    }

    /// The time of a tick count, or `None` if it does not fit.
    #[inline]
    fn time(self, ticks: u64) -> Option<Timestamp> {
        if let (Unit::Times(times), 0) = (self.unit, self.offset) {
            let nanoseconds = ticks.checked_mul(times)?;
            return i64::try_from(nanoseconds).ok().map(Timestamp);
        }
        let ticks = u128::from(ticks);
        let nanoseconds = match self.unit {
            Unit::Times(times) => ticks * u128::from(times),
            Unit::Divided(by) => ticks / by,
            Unit::Binary(bits) => (ticks * 1_000_000_000).checked_shr(bits).unwrap_or(0),
        };
        let offset = i128::from(self.offset) * 1_000_000_000;
        let time = i128::try_from(nanoseconds).ok()?.checked_add(offset)?;
        i64::try_from(time).ok().map(Timestamp)
    }
}

/// A block, as far as it is framed.
struct Block {
    kind: u32,
    /// Where its body lies in the chunk.
    start: usize,
    end: usize,
}

/// An enhanced packet block's fields before its packet, frame included.
const PACKET_HEADER: usize = 28;

impl Pcapng {
    /// Puts the packets of enhanced packet blocks that follow each other from `at` on into `records`, while they are whole and
    /// nothing about them is odd; where they end. What is behind them is for [`Self::step`].
    pub(crate) fn run(&mut self, bytes: &[u8], mut at: usize, records: &mut Vec<Record>) -> usize {
        let big_endian = self.big_endian;
        while let Some(header) = bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk::<PACKET_HEADER>)
        {
            let word = |at: usize| {
                let word = [header[at], header[at + 1], header[at + 2], header[at + 3]];
                let word = u32::from_le_bytes(word);
                if big_endian { word.swap_bytes() } else { word }
            };
            let (kind, len) = (word(0), word(4) as usize);
            let (captured, original) = (word(20), word(24));
            let data = at + PACKET_HEADER;
            let padded = (captured as usize).next_multiple_of(4);
            let is_whole = kind == ENHANCED_PACKET
                && len % 4 == 0
                && len <= MAX_BLOCK.min(bytes.len() - at)
                && padded + PACKET_HEADER + 4 <= len
                && u32_at(bytes, at + len - 4, big_endian) == Some(len as u32);
            let interface = self.section + word(8) as usize;
            let ticks = u64::from(word(12)) << 32 | u64::from(word(16));
            let clock = self.clocks.get(interface);
            let time = clock.and_then(|clock| clock.time(ticks));
            let (true, true, Some(time)) = (is_whole, captured <= original, time) else {
                break;
            };
            self.last = time;
            let options = data + padded;
            records.push(Record {
                time,
                data: data as u32,
                captured,
                original,
                interface: interface as u32,
                extra: Extra::Options {
                    at: options as u32,
                    len: (at + len - 4 - options) as u32,
                    big_endian,
                },
            });
            at += len;
        }
        at
    }

    pub(crate) fn step(&mut self, rest: &[u8], at: usize, log: &mut Log<'_>) -> Step {
        if rest.len() < BLOCK_FRAME {
            return Step::Need(BLOCK_FRAME);
        }
        let kind = u32_at(rest, 0, self.big_endian).unwrap_or(0);
        if kind == SECTION_HEADER
            && let Err(what) = self.begin_section(rest)
        {
            return Step::Malformed(what);
        }
        let len = u32_at(rest, 4, self.big_endian).unwrap_or(0) as usize;
        if len > MAX_BLOCK {
            return Step::Malformed(format!("block length {len}, expected at most {MAX_BLOCK}"));
        }
        let parsed = if self.big_endian {
            RawBlock::from_slice::<BigEndian>(rest)
        } else {
            RawBlock::from_slice::<LittleEndian>(rest)
        };
        match parsed {
            Ok((_, raw)) => {
                let start = at + 8;
                let end = start + raw.body.len();
                self.block(&raw.body, &Block { kind, start, end }, log)
            }
            Err(RawBlockParseError::IncompleteBuffer(..)) => Step::Need(len.max(BLOCK_FRAME)),
            Err(RawBlockParseError::InvalidFormat(error)) => {
                Step::Malformed(lowercase(&error.to_string()))
            }
        }
    }

    /// Takes the byte order from a section header, whole or not.
    fn begin_section(&mut self, rest: &[u8]) -> Result<(), String> {
        self.big_endian = match u32_at(rest, 8, true) {
            Some(ORDER_MAGIC) => true,
            Some(magic) if magic.swap_bytes() == ORDER_MAGIC => false,
            magic => {
                let magic = magic.unwrap_or(0);
                return Err(format!(
                    "byte-order magic 0x{magic:08x}, expected 0x{ORDER_MAGIC:08x}"
                ));
            }
        };
        self.section = self.clocks.len();
        Ok(())
    }

    fn block(&mut self, body: &[u8], block: &Block, log: &mut Log<'_>) -> Step {
        let next = block.end + 4;
        let record = match block.kind {
            ENHANCED_PACKET | OBSOLETE_PACKET => self.packet(body, block, log),
            SIMPLE_PACKET => self.simple_packet(body, block, log),
            INTERFACE_DESCRIPTION => {
                self.interface(body, log);
                return Step::Other { next };
            }
            _ => return Step::Other { next },
        };
        if let Some(record) = record {
            Step::Record { record, next }
        } else {
            log.odd(Oddity::Block);
            Step::Other { next }
        }
    }

    fn interface(&mut self, body: &[u8], log: &mut Log<'_>) {
        let mut clock = Clock::default();
        let mut interface = Interface {
            name: None,
            link_type: u16_at(body, 0, self.big_endian)
                .map_or(LinkType::UNKNOWN, |t| LinkType(t.into())),
            snaplen: u32_at(body, 4, self.big_endian).unwrap_or(0),
            fcs_len: 0,
        };
        for (code, value) in options(body.get(8..).unwrap_or_default(), self.big_endian) {
            match (code, value) {
                (OPTION_NAME, name) => interface.name = Some(text(name)),
                (OPTION_RESOLUTION, [resolution]) => clock.unit = Clock::unit(*resolution),
                (OPTION_FCS_LEN, [len]) => interface.fcs_len = *len,
                (OPTION_OFFSET, offset) => clock.offset = self.i64(offset),
                _ => {}
            }
        }
        self.clocks.push(clock);
        log.summary.interfaces.push(interface);
    }

    fn i64(&self, value: &[u8]) -> i64 {
        match value.first_chunk() {
            Some(value) if self.big_endian => i64::from_be_bytes(*value),
            Some(value) => i64::from_le_bytes(*value),
            None => 0,
        }
    }

    /// An enhanced packet block, or its predecessor, which has a 16-bit interface and a drop count in its place.
    fn packet(&mut self, body: &[u8], block: &Block, log: &mut Log<'_>) -> Option<Record> {
        const FIXED: usize = 20;
        let word = |at| u32_at(body, at, self.big_endian);
        let id = match block.kind {
            OBSOLETE_PACKET => u16_at(body, 0, self.big_endian)?.into(),
            _ => word(0)?,
        };
        let ticks = u64::from(word(4)?) << 32 | u64::from(word(8)?);
        let (captured, original) = (word(12)?, word(16)?);
        let interface = self.find(id, log);
        let there = captured.min((body.len() - FIXED) as u32);
        if there < captured {
            log.odd(Oddity::ShortBlock);
        }
        let (there, original) = lengths(there, original, log);
        let options = (FIXED + (there as usize).next_multiple_of(4)).min(body.len());
        Some(Record {
            time: self.time(interface, ticks, log),
            data: (block.start + FIXED) as u32,
            captured: there,
            original,
            interface,
            extra: Extra::Options {
                at: (block.start + options) as u32,
                len: (body.len() - options) as u32,
                big_endian: self.big_endian,
            },
        })
    }

    /// A simple packet block: of the section's first interface, without a time, cut to that interface's snap length.
    fn simple_packet(&mut self, body: &[u8], block: &Block, log: &mut Log<'_>) -> Option<Record> {
        const FIXED: usize = 4;
        let original = u32_at(body, 0, self.big_endian)?;
        let interface = self.find(0, log);
        let snaplen = log
            .summary
            .interfaces
            .get(interface as usize)
            .map_or(0, |i| i.snaplen);
        let kept = if snaplen == 0 {
            original
        } else {
            original.min(snaplen)
        };
        log.odd(Oddity::NoTime);
        Some(Record {
            time: self.last,
            data: (block.start + FIXED) as u32,
            captured: kept.min((body.len() - FIXED) as u32),
            original,
            interface,
            extra: Extra::None,
        })
    }

    /// The file-wide index of a section's interface.
    fn find(&self, id: u32, log: &mut Log<'_>) -> u32 {
        let index = self.section + id as usize;
        if index < self.clocks.len() {
            index as u32
        } else {
            log.odd(Oddity::NoInterface);
            Record::NO_INTERFACE
        }
    }

    fn time(&mut self, interface: u32, ticks: u64, log: &mut Log<'_>) -> Timestamp {
        let clock = self
            .clocks
            .get(interface as usize)
            .copied()
            .unwrap_or_default();
        self.last = clock.time(ticks).unwrap_or_else(|| {
            log.odd(Oddity::Time);
            Timestamp(i64::MAX)
        });
        self.last
    }
}

/// An option's text; some writers end it with a NUL.
fn text(value: &[u8]) -> String {
    let value = value.split(|b| *b == 0).next().unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

fn lowercase(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::summary::{Format, Summary};

    /// Blocks of any kind: packets with and without options, cut, odd ones, of interfaces that are and are not there.
    fn blocks(big_endian: bool) -> impl Strategy<Value = Vec<u8>> {
        let kind = prop_oneof![6 => Just(ENHANCED_PACKET), 1 => 1..8_u32];
        let lengths = (
            0..40_u32,
            prop_oneof![4 => Just(0), 1 => -9..60_i32],
            0..6_u32,
        );
        let block = (
            kind,
            0..3_u32,
            any::<u16>(),
            any::<u32>(),
            lengths,
            0..40_u32,
        );
        prop::collection::vec(block, 0..12).prop_map(move |blocks| {
            let word = |word: u32| {
                if big_endian {
                    word.to_be_bytes()
                } else {
                    word.to_le_bytes()
                }
            };
            let mut bytes = Vec::new();
            for (kind, interface, high, low, (captured, more, options), odd) in blocks {
                let room = captured.next_multiple_of(4) + 4 * options;
                // Some lengths and trailers are wrong.
                let len = PACKET_HEADER as u32 + room + 4 + u32::from(odd == 0);
                let original = captured.saturating_add_signed(more);
                let high = if odd == 1 { u32::MAX } else { high.into() };
                let captured = if odd == 2 { captured + 90 } else { captured };
                let fields = [kind, len, interface, high, low, captured, original];
                bytes.extend(fields.map(word).concat());
                bytes.resize(bytes.len() + room as usize, 7);
                bytes.extend(word(if odd == 3 { len + 4 } else { len }));
            }
            bytes
        })
    }

    proptest! {
        /// Plain packets in a row are what one after the other is found.
        #[test]
        fn a_run_finds_what_steps_find(
            (big_endian, bytes) in any::<bool>().prop_flat_map(|order| (Just(order), blocks(order))),
            resolutions in prop::collection::vec(prop_oneof![Just(6), Just(9), Just(12), Just(0x94)], 0..3),
            offset in prop_oneof![Just(0), any::<i64>()],
        ) {
            let clocks: Vec<Clock> = resolutions
                .into_iter()
                .map(|resolution| Clock { unit: Clock::unit(resolution), offset })
                .collect();
            let new = || Pcapng { big_endian, clocks: clocks.clone(), ..Pcapng::default() };
            let (mut runs, mut steps) = (new(), new());
            let mut summary = Summary::new(String::new(), Format::Pcapng, None);
            let mut run = Vec::new();
            let end = runs.run(&bytes, 0, &mut run);
            let mut at = 0;
            for found in &run {
                let mut log = Log { summary: &mut summary, frame: 1 };
                let rest = bytes.get(at..).unwrap_or_default();
                let Step::Record { record, next } = steps.step(rest, at, &mut log) else {
                    return Err(TestCaseError::fail(format!("no record at {at}")));
                };
                prop_assert_eq!(*found, record);
                at = next;
            }
            prop_assert_eq!((at, runs.last), (end, steps.last));
            prop_assert!(summary.warnings.is_empty());
        }
    }
}
