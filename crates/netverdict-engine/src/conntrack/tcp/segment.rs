//! A TCP header as tracking reads it.

use netverdict_net::Packet;

use super::flags::{self, Class};
use crate::conntrack::layer4::Fault;

/// The fields of one TCP header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'p> {
    pub(crate) sequence: u32,
    pub(crate) ack: u32,
    pub(crate) window: u16,
    pub(crate) flags: u8,
    /// The sequence number after its data; SYN and FIN count one each.
    pub(crate) end: u32,
    pub(crate) options: &'p [u8],
}

impl Segment<'_> {
    /// In place of a segment.
    pub(crate) const NONE: Segment<'static> = Segment {
        sequence: 0,
        ack: 0,
        window: 0,
        flags: 0,
        end: 0,
        options: &[],
    };

    pub(super) const fn class(&self) -> Class {
        Class::of(self.flags)
    }

    pub(super) const fn has_ack(&self) -> bool {
        self.flags & 0x10 != 0
    }

    pub(super) const fn has_syn(&self) -> bool {
        self.flags & 0x02 != 0
    }

    pub(super) const fn has_rst(&self) -> bool {
        self.flags & 0x04 != 0
    }
}

/// Reads the header at `offset` and checks its lengths; the payload's length is that of the packet, captured or not.
pub(crate) fn parse<'p>(packet: &'p Packet<'_>, offset: usize) -> Result<Segment<'p>, Fault> {
    let header = packet
        .array::<20>(offset)
        .map_err(Fault::reading("TCP header beyond the packet"))?;
    let segment = of_header(header, packet.len() - offset)
        .ok_or(Fault::Invalid("TCP header length does not fit"))?;
    let options = usize::from(header[12] >> 4) * 4 - 20;
    Ok(Segment {
        options: packet.read(offset + 20, options).unwrap_or_default(),
        ..segment
    })
}

/// The fields of a header of a segment of so many bytes, but for its options; `None` where its length does not fit.
#[expect(
    clippy::inline_always,
    reason = "through memory, fields written one by one and read two at once make a processor wait"
)]
#[inline(always)]
pub(crate) fn of_header(header: &[u8; 20], len: usize) -> Option<Segment<'static>> {
    let header_len = usize::from(header[12] >> 4) * 4;
    if header_len < 20 || len < header_len {
        return None;
    }
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let sequence = word(4);
    let flags = header[13];
    let data = len - header_len + usize::from(flags & 0x02 != 0) + usize::from(flags & 0x01 != 0);
    Some(Segment {
        sequence,
        ack: word(8),
        window: u16::from_be_bytes([header[14], header[15]]),
        flags,
        end: sequence.wrapping_add(data as u32),
        options: &[],
    })
}

impl Segment<'_> {
    /// Checks that its flags go together.
    pub(crate) const fn check_flags(&self) -> Result<(), Fault> {
        if flags::are_valid(self.flags) {
            Ok(())
        } else {
            Err(Fault::Invalid("TCP flags that do not go together"))
        }
    }
}
