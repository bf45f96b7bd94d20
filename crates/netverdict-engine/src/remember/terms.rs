//! What a packet must have in common with the one whose path is taken again.

use netverdict_net::{Family, Packet, PacketType, Protocol, checksum};

use crate::conntrack::{Entry as Connection, Layer4, Status};
use crate::{CtInfo, Entry, Vantage};

/// A whole TCP or UDP packet without options, extension headers or fragmentation, some hops from its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain {
    pub(crate) at: Layer4,
    /// TCP's flag byte; 0 of UDP.
    pub(crate) flags: u8,
    pub(crate) dont_fragment: bool,
}

impl Plain {
    /// Looks at a packet.
    pub(crate) fn of(packet: &Packet<'_>) -> Option<Self> {
        if !packet.is_whole() || packet.ttl() <= 1 {
            return None;
        }
        let bytes = packet.captured();
        let (protocol, offset, dont_fragment) = match packet.family() {
            Family::V4 => {
                let header: &[u8; 20] = bytes.first_chunk()?;
                let word = u16::from_be_bytes([header[6], header[7]]);
                if header[0] != 0x45 || word & 0x3fff != 0 {
                    return None;
                }
                (Protocol(header[9]), 20, word & 0x4000 != 0)
            }
            Family::V6 => (Protocol(*bytes.get(6)?), 40, false),
        };
        let flags = match protocol {
            Protocol::TCP => *bytes.get(offset..offset + 20)?.get(13)?,
            Protocol::UDP => {
                bytes.get(offset..offset + 8)?;
                0
            }
            _ => return None,
        };
        Some(Self {
            at: Layer4 { protocol, offset },
            flags,
            dont_fragment,
        })
    }

    /// Whether an IPv4 header's checksum is right.
    pub(crate) fn is_sealed(packet: &Packet<'_>) -> bool {
        let header = packet.captured().get(..20).unwrap_or_default();
        packet.family() == Family::V6 || checksum::finish(checksum::sum(header, 0)) == 0
    }
}

/// What decides a path beside addresses, ports and protocol, which a connection's direction fixes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    pub(crate) entry: Entry,
    pub(crate) packet_type: PacketType,
    pub(crate) tos: u8,
    pub(crate) dont_fragment: bool,
    /// Lengths, both ends included: an MTU tells them apart.
    pub(crate) lengths: (u32, u32),
    /// The TCP flags that rules looked at, and what they were.
    pub(crate) flags: (u8, u8),
    pub(crate) info: CtInfo,
    /// The connection's mark.
    pub(crate) mark: u32,
    /// The connection's status bits that were looked at, and what they were.
    pub(crate) status: (u32, u32),
}

/// What NAT asks of a connection, and `--ctstate`; and whether payloads are rewritten.
pub(crate) const NAT_BITS: u32 = Status::NAT.0 | Status::NAT_DONE.0 | Status::SEQ_ADJUST.0;

impl Terms {
    /// Whether a packet that tracking has not seen yet meets them.
    #[inline]
    pub(crate) fn admit(&self, arriving: &Arriving<'_>) -> bool {
        let Arriving { at, len, tos, .. } = *arriving;
        let (mask, flags) = self.flags;
        let (least, most) = self.lengths;
        arriving.flags & mask == flags
            && (least..=most).contains(&len)
            && self.tos == tos
            && self.packet_type == at.packet_type
            && self.dont_fragment == arriving.dont_fragment
            && self.entry == at.entry
    }

    /// Whether its connection meets them, now that tracking has seen it.
    #[inline]
    pub(crate) fn hold(&self, connection: &Connection, info: CtInfo) -> bool {
        let (mask, status) = self.status;
        self.info == info
            && self.mark == connection.mark
            && connection.status.0 & mask == status
            && !connection.status.contains(Status::DYING)
    }

    /// The terms of a packet that walked.
    pub(crate) fn new(
        entry: Entry,
        packet: &Packet<'_>,
        plain: Plain,
        asked: &super::Recorder,
        met: Met,
    ) -> Self {
        let status = asked.status_bits | NAT_BITS;
        Self {
            entry,
            packet_type: packet.link.packet_type,
            tos: packet.tos(),
            dont_fragment: plain.dont_fragment,
            lengths: asked.lengths,
            flags: (asked.flag_bits, plain.flags & asked.flag_bits),
            info: met.info,
            mark: met.mark,
            status: (status, met.status.0 & status),
        }
    }
}

/// What a walk met of its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Met {
    pub(crate) info: CtInfo,
    pub(crate) mark: u32,
    pub(crate) status: Status,
}

impl Met {
    /// Of a connection that the packet opened.
    pub(crate) const OPENED: Self = Self {
        info: CtInfo::New,
        mark: 0,
        status: Status(0),
    };
}

/// What a packet shows before tracking sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving<'a> {
    pub(crate) at: &'a Vantage,
    pub(crate) len: u32,
    pub(crate) tos: u8,
    pub(crate) flags: u8,
    pub(crate) dont_fragment: bool,
}
