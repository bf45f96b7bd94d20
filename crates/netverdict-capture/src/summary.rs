//! What was learnt about one capture besides its frames.

use std::collections::BTreeMap;
use std::fmt;

use netverdict_net::Timestamp;

use crate::LinkType;
use crate::source::Compression;

/// A capture's file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Classic pcap.
    Pcap {
        /// Times have nine digits, not six.
        nanoseconds: bool,
        /// The file's byte order is big endian.
        big_endian: bool,
    },
    /// Alexey Kuznetzov's modified pcap, with interface index and packet type in each record header.
    ModifiedPcap {
        /// The file's byte order is big endian.
        big_endian: bool,
    },
    /// pcapng; byte order is a section's property.
    Pcapng,
    /// Endace ERF.
    Erf,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcap {
                nanoseconds: false, ..
            } => "pcap",
            Self::Pcap {
                nanoseconds: true, ..
            } => "pcap (nanoseconds)",
            Self::ModifiedPcap { .. } => "modified pcap",
            Self::Pcapng => "pcapng",
            Self::Erf => "ERF",
        })
    }
}

/// An interface that the capture describes. A classic pcap describes one, without a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Name as written, which may be longer than a Linux name; bytes that are not UTF-8 are replaced.
    pub name: Option<String>,
    /// Its link type.
    pub link_type: LinkType,
    /// The most bytes kept of a frame; 0 is no limit.
    pub snaplen: u32,
    /// Bytes of frame check sequence at the end of each whole frame.
    pub fcs_len: u8,
}

/// Something about a capture that the reader of a report should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The file ends inside a record; all before it was read.
    Cut {
        /// The frame, or the one that would have followed, counted from 1.
        frame: u64,
        /// Where the record begins in the (decompressed) file.
        offset: u64,
    },
    /// The compressed data ends early or is damaged; all that could be decompressed was read.
    Compression {
        /// What the decompressor says.
        error: String,
        /// How many bytes came out of it.
        offset: u64,
    },
    /// A record cannot be, so that nothing behind it can be found; all before it was read.
    Malformed {
        /// The frame that would have followed, counted from 1.
        frame: u64,
        /// Where the record begins in the (decompressed) file.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// Something odd that does not stop the reading.
    Odd {
        /// What is odd.
        what: Oddity,
        /// How often.
        count: u64,
        /// The first frame, or the one that follows it, counted from 1.
        first: u64,
    },
    /// Frames of a link type that is not read; each is counted and skipped.
    LinkType {
        /// The type.
        link_type: LinkType,
        /// How many.
        frames: u64,
    },
}

/// Something odd in a capture that does not stop the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Oddity {
    /// A time's fraction is a second or more: taken as the last instant of its second.
    Fraction,
    /// A time beyond what nanoseconds since 1970 can hold in 64 bits: taken as the last one they can.
    Time,
    /// A frame without a time (a simple packet block): takes that of the frame before it.
    NoTime,
    /// The length on the wire is below the captured length: taken as the captured length.
    Lengths,
    /// A packet block says more captured bytes than it holds: what it holds is taken.
    ShortBlock,
    /// A packet block names an interface that was not described.
    NoInterface,
    /// A block too short for its type, left out.
    Block,
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fraction => "fraction of a second out of range, taken as its last instant",
            Self::Time => "time out of range, taken as the last that fits",
            Self::NoTime => "no time, taken from the frame before",
            Self::Lengths => "length on the wire below the captured length, which is taken",
            Self::ShortBlock => {
                "packet block shorter than its captured length, what is there is taken"
            }
            Self::NoInterface => "packet block of an interface that is not described",
            Self::Block => "block too short for its type, left out",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { frame, offset } => {
                write!(
                    f,
                    "cut off in frame {frame} (record at offset {offset}); read up to there"
                )
            }
            Self::Compression { error, offset } => {
                write!(
                    f,
                    "compressed data damaged after {offset} bytes ({error}); read up to there"
                )
            }
            Self::Malformed {
                frame,
                offset,
                what,
            } => {
                write!(
                    f,
                    "frame {frame} (record at offset {offset}) is malformed: {what}; read up to there"
                )
            }
            Self::Odd {
                what,
                count: 1,
                first,
            } => write!(f, "frame {first}: {what}"),
            Self::Odd { what, count, first } => {
                write!(f, "{count} frames from frame {first} on: {what}")
            }
            Self::LinkType { link_type, frames } => {
                write!(f, "{frames} frames of link type {link_type} skipped")
            }
        }
    }
}

/// What is known of one capture; complete once its last chunk was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The name that it goes by in messages: its path, or `-`.
    pub name: String,
    /// File format.
    pub format: Format,
    /// Compression around it.
    pub compression: Option<Compression>,
    /// Frames read.
    pub frames: u64,
    /// Captured bytes of these frames.
    pub bytes: u64,
    /// Earliest time of a frame.
    pub earliest: Option<Timestamp>,
    /// Latest time of a frame.
    pub latest: Option<Timestamp>,
    /// Frames by link type.
    pub link_types: BTreeMap<LinkType, u64>,
    /// Interfaces in the order of their descriptions, over all sections.
    pub interfaces: Vec<Interface>,
    /// What went wrong or is odd.
    pub warnings: Vec<Warning>,
}

impl Summary {
    pub(crate) fn new(name: String, format: Format, compression: Option<Compression>) -> Self {
        Self {
            name,
            format,
            compression,
            frames: 0,
            bytes: 0,
            earliest: None,
            latest: None,
            link_types: BTreeMap::new(),
            interfaces: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Counts one more of an oddity that may come up in every frame.
    pub(crate) fn odd(&mut self, what: Oddity, frame: u64) {
        let known = self.warnings.iter_mut().find_map(|w| match w {
            Warning::Odd { what: w, count, .. } if *w == what => Some(count),
            _ => None,
        });
        match known {
            Some(count) => *count += 1,
            None => self.warnings.push(Warning::Odd {
                what,
                count: 1,
                first: frame,
            }),
        }
    }

    /// Adds what only the end of the file tells.
    pub(crate) fn finish(&mut self) {
        let skipped = self.link_types.iter().filter(|(t, _)| !t.is_read());
        self.warnings
            .extend(skipped.map(|(&link_type, &frames)| Warning::LinkType { link_type, frames }));
    }
}
