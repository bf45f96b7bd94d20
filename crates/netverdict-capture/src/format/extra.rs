//! What a record says beside its time, lengths and data; read when the frame is decoded.

use netverdict_net::PacketType;

use super::{u16_at, u32_at};
use crate::frame::Direction;
use crate::link::cooked;

/// Where a record keeps what else it says. Offsets are into the chunk's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extra {
    None,
    /// Options of a pcapng packet block.
    Options {
        at: u32,
        len: u32,
        big_endian: bool,
    },
    /// The eight bytes that a modified pcap adds: interface index, protocol, packet type, pad.
    Modified {
        at: u32,
        big_endian: bool,
    },
}

/// What was found there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Said<'a> {
    pub(crate) direction: Option<Direction>,
    pub(crate) packet_type: Option<PacketType>,
    pub(crate) ifindex: Option<u32>,
    pub(crate) comment: Option<&'a [u8]>,
}

impl Said<'_> {
    /// A number that only who says the same has, but for the comment; 0 if nothing is said.
    #[inline]
    pub(crate) fn number(&self) -> u64 {
        let direction = self.direction.map_or(0, |d| 1 + d as u64);
        let packet_type = self.packet_type.map_or(0, |t| 1 + t as u64);
        let ifindex = self.ifindex.map_or(0, |index| 1 + u64::from(index));
        ifindex << 16 | packet_type << 8 | direction
    }
}

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
const OPTION_FLAGS: u16 = 2;

#[inline]
pub(crate) fn read(extra: Extra, bytes: &[u8]) -> Said<'_> {
    match extra {
        Extra::None => Said::default(),
        Extra::Options { len: 0, .. } => Said::default(),
        Extra::Options {
            at,
            len,
            big_endian,
        } => {
            let (start, len) = (at as usize, len as usize);
            let bytes = bytes.get(start..start + len).unwrap_or_default();
            packet_options(bytes, big_endian)
        }
        Extra::Modified { at, big_endian } => modified(bytes, at as usize, big_endian),
    }
}

fn packet_options(bytes: &[u8], big_endian: bool) -> Said<'_> {
    let mut said = Said::default();
    for (code, value) in options(bytes, big_endian) {
        match code {
            OPTION_COMMENT if said.comment.is_none() => said.comment = Some(value),
            OPTION_FLAGS => flags(&mut said, u32_at(value, 0, big_endian).unwrap_or(0)),
            _ => {}
        }
    }
    said
}

/// The flags word of a packet block: direction in bits 0 and 1, reception type in bits 2 to 4.
fn flags(said: &mut Said<'_>, word: u32) {
    said.direction = match word & 3 {
        1 => Some(Direction::In),
        2 => Some(Direction::Out),
        _ => None,
    };
    said.packet_type = match word >> 2 & 7 {
        1 => Some(PacketType::Host),
        2 => Some(PacketType::Multicast),
        3 => Some(PacketType::Broadcast),
        4 => Some(PacketType::OtherHost),
        _ => None,
    };
}

/// A converter that knows no interface leaves all of it 0, which would read as "to this host".
fn modified(bytes: &[u8], at: usize, big_endian: bool) -> Said<'static> {
    let Some(ifindex) = u32_at(bytes, at, big_endian).filter(|i| *i != 0) else {
        return Said::default();
    };
    let (packet_type, direction) = cooked::packet_type(bytes.get(at + 6).copied().unwrap_or(0));
    Said {
        direction: Some(direction),
        packet_type: Some(packet_type),
        ifindex: Some(ifindex),
        comment: None,
    }
}

/// Code and value of each option of a pcapng block, to the end mark, the end or the first that is cut.
pub(crate) fn options(mut bytes: &[u8], big_endian: bool) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let code = u16_at(bytes, 0, big_endian)?;
        let len = usize::from(u16_at(bytes, 2, big_endian)?);
        if code == OPTION_END {
            return None;
        }
        let value = bytes.get(4..4 + len)?;
        bytes = bytes.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    })
}
