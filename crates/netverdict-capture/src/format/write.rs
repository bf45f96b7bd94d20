//! Writing captures: pcap with nanoseconds, and pcapng with interface names, packet flags and comments.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use netverdict_net::Timestamp;
use pcap_file::pcap::{self, PcapHeader, PcapTsResolution, RawPcapPacket};
use pcap_file::pcapng::PcapNgBlock;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness, pcapng};

use crate::frame::Direction;
use crate::{Frame, Interface, LinkType};

/// What pcap headers say they keep of a frame.
const SNAPLEN: u32 = 262_144;

/// Why a capture cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output takes no more, or pcap-file refuses the values.
    #[error("cannot write capture: {0}")]
    Write(String),
    /// A value that the format has no room for.
    #[error("{0} does not fit into the format")]
    Range(&'static str),
}

impl From<pcap::PcapWriteError> for WriteError {
    fn from(error: pcap::PcapWriteError) -> Self {
        Self::Write(with_sources(&error))
    }
}

impl From<pcapng::PcapNgWriteError> for WriteError {
    fn from(error: pcapng::PcapNgWriteError) -> Self {
        Self::Write(with_sources(&error))
    }
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// A frame to be written.
#[derive(Debug, Clone, Copy)]
pub struct FrameOut<'a> {
    /// When it was captured; not before 1970.
    pub time: Timestamp,
    /// The bytes from the link header on.
    pub data: &'a [u8],
    /// Bytes on the wire; raised to the captured ones if below.
    pub original_len: usize,
    /// Which way it went, as a packet flag.
    pub direction: Option<Direction>,
    /// Comments, if any.
    pub comments: &'a [&'a str],
}

impl<'a> FrameOut<'a> {
    /// A whole frame without more.
    pub fn new(time: Timestamp, data: &'a [u8]) -> Self {
        Self {
            time,
            data,
            original_len: data.len(),
            direction: None,
            comments: &[],
        }
    }

    /// A frame as it was read, without its comments.
    pub fn of(frame: &'a Frame<'_>) -> Self {
        Self {
            original_len: frame.original_len,
            direction: frame.direction_hint,
            ..Self::new(frame.time, &frame.data)
        }
    }

    fn original_len(&self) -> Result<u32, WriteError> {
        let len = self.original_len.max(self.data.len());
        u32::try_from(len).map_err(|_| WriteError::Range("frame length"))
    }

    fn time(&self) -> Result<Duration, WriteError> {
        let seconds = u64::try_from(self.time.seconds())
            .map_err(|_| WriteError::Range("time before 1970"))?;
        Ok(Duration::new(seconds, self.time.subsec_nanos()))
    }
}

/// Writes a little-endian pcap with nanoseconds.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    writer: pcap::PcapWriter<W>,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    ///
    /// # Errors
    /// The output does not take it.
    pub fn new(output: W, link_type: LinkType) -> Result<Self, WriteError> {
        let header = PcapHeader {
            snaplen: SNAPLEN,
            datalink: DataLink::from(link_type.0),
            ts_resolution: PcapTsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        Ok(Self {
            writer: pcap::PcapWriter::with_header(output, header)?,
        })
    }

    /// Writes a frame; direction and comment have no place in a pcap.
    ///
    /// # Errors
    /// The output does not take it, or its time is not in 1970 to 2106.
    pub fn write(&mut self, frame: &FrameOut<'_>) -> Result<(), WriteError> {
        let time = frame.time()?;
        self.writer.write_raw_packet(&RawPcapPacket {
            ts_sec: u32::try_from(time.as_secs())
                .map_err(|_| WriteError::Range("time after 2106"))?,
            ts_frac: time.subsec_nanos(),
            incl_len: u32::try_from(frame.data.len())
                .map_err(|_| WriteError::Range("frame length"))?,
            orig_len: frame.original_len()?,
            data: Cow::Borrowed(frame.data),
        })?;
        Ok(())
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// The output does not take the rest.
    pub fn finish(mut self) -> Result<W, WriteError> {
        self.writer.flush()?;
        Ok(self.writer.into_inner())
    }
}

/// An interface to be described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceOut<'a> {
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// Its link type.
    pub link_type: LinkType,
    /// Bytes of frame check sequence at the end of each whole frame.
    pub fcs_len: u8,
}

impl<'a> InterfaceOut<'a> {
    /// An interface whose frames have no check sequence.
    pub const fn new(name: Option<&'a str>, link_type: LinkType) -> Self {
        Self {
            name,
            link_type,
            fcs_len: 0,
        }
    }

    /// An interface as it was read.
    pub fn of(interface: &'a Interface) -> Self {
        Self {
            name: interface.name.as_deref(),
            link_type: interface.link_type,
            fcs_len: interface.fcs_len,
        }
    }
}

/// Writes a little-endian pcapng of one section with nanosecond times.
pub struct PcapngWriter<W: Write> {
    writer: pcapng::PcapNgWriter<W>,
}

impl<W: Write> std::fmt::Debug for PcapngWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PcapngWriter").finish_non_exhaustive()
    }
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header; `application` is named in it.
    ///
    /// # Errors
    /// The output does not take it.
    pub fn new(output: W, application: &str) -> Result<Self, WriteError> {
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![SectionHeaderOption::UserApplication(application.into())],
            ..SectionHeaderBlock::default()
        };
        Ok(Self {
            writer: pcapng::PcapNgWriter::with_section_header(output, section)?,
        })
    }

    /// Describes an interface; frames name it by its place, counted from 0.
    ///
    /// # Errors
    /// The output does not take it.
    pub fn interface(&mut self, interface: &InterfaceOut<'_>) -> Result<(), WriteError> {
        let name = interface
            .name
            .map(|n| InterfaceDescriptionOption::IfName(n.into()));
        let resolution = InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO);
        let fcs_len = (interface.fcs_len != 0)
            .then_some(InterfaceDescriptionOption::IfFcsLen(interface.fcs_len));
        let block = InterfaceDescriptionBlock {
            linktype: DataLink::from(interface.link_type.0),
            snaplen: 0,
            options: name
                .into_iter()
                .chain([resolution])
                .chain(fcs_len)
                .collect(),
        };
        self.writer.write_block(&block.into_block())?;
        Ok(())
    }

    /// Writes a frame of interface `interface`.
    ///
    /// # Errors
    /// The interface was not described, the time is before 1970, or the output does not take it.
    pub fn write(&mut self, interface: u32, frame: &FrameOut<'_>) -> Result<(), WriteError> {
        let flags = frame.direction.map(|direction| match direction {
            Direction::In => EnhancedPacketOption::Flags(1),
            Direction::Out => EnhancedPacketOption::Flags(2),
        });
        let comments = frame.comments.iter();
        let comments = comments
            .map(|text| EnhancedPacketOption::Common(CommonOption::Comment((*text).into())));
        let block = EnhancedPacketBlock {
            interface_id: interface,
            timestamp: frame.time()?,
            original_len: frame.original_len()?,
            data: Cow::Borrowed(frame.data),
            options: flags.into_iter().chain(comments).collect(),
        };
        self.writer.write_block(&block.into_block())?;
        Ok(())
    }

    /// Gives the output back.
    pub fn finish(self) -> W {
        self.writer.into_inner()
    }
}
