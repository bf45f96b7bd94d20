//! A piece of one capture: its bytes, where the records in them lie, and their decoding into frames.

use std::borrow::Cow;
use std::sync::Arc;

use netverdict_net::{InterfaceName, PacketType, Timestamp};

use crate::buffer::Buffer;
use crate::format::extra::{self, Extra};
use crate::frame::{Direction, Frame, Network, SkipReason};
use crate::link::{self, Decoded};
use crate::{Interface, LinkType};

/// One record, found but not decoded. Offsets are into the chunk's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) time: Timestamp,
    pub(crate) data: u32,
    pub(crate) captured: u32,
    pub(crate) original: u32,
    /// Index into the file's interfaces; [`Record::NO_INTERFACE`] if none is described.
    pub(crate) interface: u32,
    pub(crate) extra: Extra,
}

/// An Ethernet frame with an IP packet right behind its header: what decoding would say of it, without decoding it.
#[derive(Debug, Clone, Copy)]
pub struct Bare<'a> {
    /// When it was captured.
    pub time: Timestamp,
    /// All that the capture says of it beside the packet.
    pub origin: Origin,
    /// Its captured bytes from the IP header on.
    pub packet: &'a [u8],
    /// How many there were on the wire.
    pub on_wire: usize,
}

/// All that a capture says of a frame beside its packet, time and place in the file. Frames of one chunk or batch that
/// are alike in this are decoded alike up to their packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The first and the last eight of the link header's fourteen bytes.
    header: [u64; 2],
    file: usize,
    interface: u32,
    /// Direction, packet type and interface index, where the record says any of them.
    said: u64,
}

impl Origin {
    #[inline]
    fn new(file: usize, interface: u32, header: &[u8; 14], said: u64) -> Self {
        let first = header.first_chunk().copied().unwrap_or_default();
        let last = header.last_chunk().copied().unwrap_or_default();
        Self {
            header: [u64::from_ne_bytes(first), u64::from_ne_bytes(last)],
            file,
            interface,
            said,
        }
    }

    /// The first eight bytes of the link header, which tell most of them apart.
    #[inline]
    pub const fn head(&self) -> u64 {
        self.header[0]
    }
}

impl Record {
    pub(crate) const NO_INTERFACE: u32 = u32::MAX;
}

/// What consecutive frames come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The time of the first of them.
    pub first: Timestamp,
    /// The earliest time.
    pub earliest: Timestamp,
    /// The latest time.
    pub latest: Timestamp,
    /// Whether none is earlier than the one before it.
    pub is_straight: bool,
    /// How many bytes of them were captured.
    pub captured: u64,
}

impl Span {
    /// `None` of no records.
    pub(crate) fn of(records: &[Record]) -> Option<Self> {
        let first = records.first()?.time;
        let mut span = Self {
            first,
            earliest: first,
            latest: first,
            is_straight: true,
            captured: 0,
        };
        let mut before = first;
        for record in records {
            span.is_straight &= before <= record.time;
            before = record.time;
            span.earliest = span.earliest.min(record.time);
            span.latest = span.latest.max(record.time);
            span.captured += u64::from(record.captured);
        }
        Some(span)
    }
}

/// What decoding needs to know of an interface.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Port {
    name: Option<InterfaceName>,
    link_type: LinkType,
    fcs_len: u8,
}

impl Port {
    pub(crate) fn of(interface: &Interface) -> Self {
        // `any` is no device: the frame's own device is in the cooked header, if anywhere.
        let name = interface
            .name
            .as_deref()
            .filter(|n| !matches!(*n, "" | "any"));
        Self {
            name: name.and_then(|n| InterfaceName::new(n).ok()),
            link_type: interface.link_type,
            fcs_len: interface.fcs_len,
        }
    }
}

/// Consecutive frames of one capture, with the bytes they borrow from.
#[derive(Debug, Clone)]
pub struct Chunk {
    pub(crate) file: usize,
    pub(crate) bytes: Buffer,
    pub(crate) records: Vec<Record>,
    pub(crate) span: Span,
    pub(crate) first: u64,
    pub(crate) ports: Arc<[Port]>,
}

impl Chunk {
    /// How many frames; never 0.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a chunk without frames is not handed out"
    )]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Decodes frame `index`, counted from 0. The same every time, on any thread.
    pub fn frame(&self, index: usize) -> Option<Frame<'_>> {
        let record = self.records.get(index)?;
        Some(self.decode(record, self.first + index as u64))
    }

    /// The captured bytes of frame `index`: [`Frame::data`], without decoding it.
    pub fn data(&self, index: usize) -> Option<&[u8]> {
        let record = self.records.get(index)?;
        let start = record.data as usize;
        self.bytes.get(start..start + record.captured as usize)
    }

    /// The time of frame `index` and how much of it was captured, without decoding it.
    pub fn extent(&self, index: usize) -> Option<(Timestamp, u32)> {
        let record = self.records.get(index)?;
        Some((record.time, record.captured))
    }

    /// Which capture frame `index` is from, and its number there: [`Frame::file`] and [`Frame::number`].
    pub fn number(&self, index: usize) -> (usize, u64) {
        (self.file, self.first + index as u64)
    }

    /// Frame `index`, if it is an Ethernet frame with an IP packet right behind its header.
    #[expect(
        clippy::inline_always,
        reason = "what is found is used where it is, not written down first"
    )]
    #[inline(always)]
    pub fn bare(&self, index: usize) -> Option<Bare<'_>> {
        let record = self.records.get(index)?;
        let port = self.ports.get(record.interface as usize)?;
        if port.link_type != LinkType::ETHERNET {
            return None;
        }
        let start = record.data as usize;
        let data = self.bytes.get(start..start + record.captured as usize)?;
        let on_wire = data.len().max(record.original as usize);
        let on_wire = on_wire.checked_sub(usize::from(port.fcs_len))?;
        let data = data.get(..data.len().min(on_wire))?;
        let (header, packet) = data.split_first_chunk::<14>()?;
        let version = packet.first()? >> 4;
        match (header[12], header[13], version) {
            (0x08, 0x00, 4) | (0x86, 0xdd, 6) => {}
            _ => return None,
        }
        let said = match record.extra {
            Extra::None => 0,
            extra => extra::read(extra, &self.bytes).number(),
        };
        Some(Bare {
            time: record.time,
            origin: Origin::new(self.file, record.interface, header, said),
            packet,
            on_wire: on_wire - 14,
        })
    }

    /// Decodes all frames in file order.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = Frame<'_>> {
        let numbered = self.records.iter().enumerate();
        numbered.map(|(index, record)| self.decode(record, self.first + index as u64))
    }

    /// The time of frame `index`, without decoding it.
    pub fn time(&self, index: usize) -> Option<Timestamp> {
        self.records.get(index).map(|r| r.time)
    }

    #[inline]
    fn decode(&self, record: &Record, number: u64) -> Frame<'_> {
        let start = record.data as usize;
        let data = self
            .bytes
            .get(start..start + record.captured as usize)
            .unwrap_or_default();
        let original_len = data.len().max(record.original as usize);
        let port = self.ports.get(record.interface as usize);
        let link_type = port.map_or(LinkType::UNKNOWN, |p| p.link_type);
        let on_wire = original_len - usize::from(port.map_or(0, |p| p.fcs_len)).min(original_len);
        let mut decoded = match port {
            Some(_) => link::decode(link_type, &data[..data.len().min(on_wire)], on_wire),
            None => Decoded::skipped(SkipReason::NoInterface),
        };
        let said = extra::read(record.extra, &self.bytes);
        let direction_hint = said.direction.or(decoded.direction);
        if let Some(packet_type) = said.packet_type {
            decoded.link.packet_type = packet_type;
        }
        if direction_hint == Some(Direction::Out) {
            decoded.link.packet_type = PacketType::Outgoing;
        }
        Frame {
            file: self.file,
            number,
            time: record.time,
            interface: port.and_then(|p| p.name),
            interface_index: port.map(|_| record.interface as usize),
            ifindex: said.ifindex.or(decoded.ifindex),
            direction_hint,
            link_type,
            data: Cow::Borrowed(data),
            original_len,
            tags: decoded.tags,
            link: decoded.link,
            network: decoded.network,
            comment: said.comment.map(Cow::Borrowed),
        }
    }
}

impl Decoded {
    /// A frame whose link layer is not read.
    pub(crate) fn skipped(reason: SkipReason) -> Self {
        Self {
            network: Network::Skipped(reason),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_tells_what_its_frames_come_to() {
        let record = |seconds| Record {
            time: Timestamp::new(seconds, 0),
            data: 0,
            captured: 60,
            original: 90,
            interface: 0,
            extra: Extra::None,
        };
        let of = |seconds: &[i64]| {
            let records: Vec<_> = seconds.iter().copied().map(record).collect();
            let span = Span::of(&records)?;
            let times =
                [span.first, span.earliest, span.latest].map(|time| time.0 / Timestamp::SECOND);
            Some((times, span.is_straight, span.captured))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[4]), Some(([4, 4, 4], true, 60)));
        assert_eq!(of(&[4, 4, 9]), Some(([4, 4, 9], true, 180)));
        assert_eq!(of(&[4, 9, 8]), Some(([4, 4, 9], false, 180)));
        assert_eq!(of(&[4, 3]), Some(([4, 3, 4], false, 120)));
    }
}
