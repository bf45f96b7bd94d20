//! A packet as a hook sees it: bytes from the IP header to the packet's end, which may not all be captured.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Family, Link};

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// The packet ends before them: the kernel could not read them either.
    PacketEnd,
    /// The packet has them, but the capture's snap length cut them off: what the kernel read is unknown.
    Captured,
}

/// Why bytes are no packet that reaches a hook (ip_rcv and ip6_rcv drop it unseen by any rule).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PacketError {
    /// Fewer bytes than the fixed header.
    #[error("shorter than an IP header")]
    Short,
    /// The version field is neither 4 nor 6, or not the expected one.
    #[error("IP version {0}")]
    Version(u8),
    /// IPv4 header length below 20 or beyond the bytes.
    #[error("bad IP header length")]
    HeaderLength,
    /// The length field says more bytes than the frame had, or fewer than the header.
    #[error("bad IP length field")]
    Length,
    /// The capture's snap length cut into the IP header.
    #[error("IP header not captured")]
    NotCaptured,
}

/// One IP packet: `skb->data` from the network header on. Borrowed until a target or NAT writes to it.
#[derive(Debug, Clone)]
pub struct Packet<'a> {
    data: Cow<'a, [u8]>,
    len: u32,
    family: Family,
    /// The link layer it came with.
    pub link: Link,
}

impl<'a> Packet<'a> {
    /// Takes the bytes behind the link header: `captured` of them were kept, `on_wire` were there. Padding beyond the
    /// IP length is cut, as ip_rcv does. A total length of 0 (TSO) means all of the frame. Checks what must hold for
    /// header readers to work; the header checksum is the IP path's business.
    pub fn new(captured: &'a [u8], on_wire: usize, link: Link) -> Result<Self, PacketError> {
        let on_wire = on_wire.max(captured.len());
        let first = *captured.first().ok_or(if on_wire == 0 {
            PacketError::Short
        } else {
            PacketError::NotCaptured
        })?;
        let short = |need: usize| {
            if on_wire < need {
                PacketError::Short
            } else {
                PacketError::NotCaptured
            }
        };
        let (family, header_len, len) = match first >> 4 {
            4 => {
                let header: &[u8; 20] = captured.first_chunk().ok_or_else(|| short(20))?;
                let header_len = usize::from(first & 15) * 4;
                if header_len < 20 {
                    return Err(PacketError::HeaderLength);
                }
                let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
                (
                    Family::V4,
                    header_len,
                    if total == 0 { on_wire } else { total },
                )
            }
            6 => {
                let header: &[u8; 40] = captured.first_chunk().ok_or_else(|| short(40))?;
                let payload = usize::from(u16::from_be_bytes([header[4], header[5]]));
                // A payload length of 0 is a jumbogram or a super-frame only with a hop-by-hop header or TSO; ip6_rcv
                // trims to 40 bytes otherwise, except that next-header hop-by-hop may carry the jumbo option.
                (Family::V6, 40, 40 + payload)
            }
            version => return Err(PacketError::Version(version)),
        };
        if len < header_len || len > on_wire {
            return Err(PacketError::Length);
        }
        if captured.len() < header_len {
            return Err(PacketError::NotCaptured);
        }
        let keep = captured.len().min(len);
        Ok(Self {
            data: Cow::Borrowed(&captured[..keep]),
            len: len as u32,
            family,
            link,
        })
    }

    /// A packet of our own making, all of it captured. The caller vouches for a readable IP header.
    pub fn owned(data: Vec<u8>, family: Family, link: Link) -> Packet<'static> {
        let len = data.len() as u32;
        Packet {
            data: Cow::Owned(data),
            len,
            family,
            link,
        }
    }

    /// The address family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// `skb->len`: bytes from the IP header to the packet's end, captured or not. What counters count.
    #[expect(
        clippy::len_without_is_empty,
        reason = "a packet has at least its IP header"
    )]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// The captured bytes from the IP header on.
    pub fn captured(&self) -> &[u8] {
        &self.data
    }

    /// Whether the capture kept all of it.
    pub fn is_whole(&self) -> bool {
        self.data.len() == self.len()
    }

    /// Whether the packet, captured or not, has `len` bytes at `offset` from the IP header.
    pub fn holds(&self, offset: usize, len: usize) -> bool {
        offset.checked_add(len).is_some_and(|end| end <= self.len())
    }

    /// `len` bytes at `offset` from the IP header.
    pub fn read(&self, offset: usize, len: usize) -> Result<&[u8], Beyond> {
        let end = offset.checked_add(len).ok_or(Beyond::PacketEnd)?;
        if end > self.len() {
            return Err(Beyond::PacketEnd);
        }
        self.data.get(offset..end).ok_or(Beyond::Captured)
    }

    /// `N` bytes at `offset` from the IP header.
    pub fn array<const N: usize>(&self, offset: usize) -> Result<&[u8; N], Beyond> {
        let bytes = self.read(offset, N)?;
        bytes.first_chunk().ok_or(Beyond::PacketEnd)
    }

    /// A big-endian 16-bit word at `offset`.
    pub fn u16(&self, offset: usize) -> Result<u16, Beyond> {
        self.array(offset).map(|b| u16::from_be_bytes(*b))
    }

    /// A big-endian 32-bit word at `offset`.
    pub fn u32(&self, offset: usize) -> Result<u32, Beyond> {
        self.array(offset).map(|b| u32::from_be_bytes(*b))
    }

    /// The bytes for writing; the first write copies them. The length cannot change this way.
    pub fn captured_mut(&mut self) -> &mut [u8] {
        self.data.to_mut()
    }

    /// Replaces all bytes (a target inserted or removed some). `data` must be whole.
    pub fn replace(&mut self, data: Vec<u8>) {
        self.len = data.len() as u32;
        self.data = Cow::Owned(data);
    }

    /// The source address.
    pub fn source(&self) -> IpAddr {
        self.address(12, 8)
    }

    /// The destination address.
    pub fn destination(&self) -> IpAddr {
        self.address(16, 24)
    }

    fn address(&self, v4: usize, v6: usize) -> IpAddr {
        match self.family {
            Family::V4 => self
                .array::<4>(v4)
                .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |b| {
                    Ipv4Addr::from(*b).into()
                }),
            Family::V6 => self
                .array::<16>(v6)
                .map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |b| {
                    Ipv6Addr::from(*b).into()
                }),
        }
    }

    /// IPv4 TOS or IPv6 traffic class.
    pub fn tos(&self) -> u8 {
        match self.family {
            Family::V4 => self.data.get(1).copied().unwrap_or(0),
            Family::V6 => (self.u16(0).unwrap_or(0) >> 4) as u8,
        }
    }

    /// IPv4 TTL or IPv6 hop limit.
    pub fn ttl(&self) -> u8 {
        let offset = match self.family {
            Family::V4 => 8,
            Family::V6 => 7,
        };
        self.data.get(offset).copied().unwrap_or(0)
    }

    /// A copy that owns its bytes.
    pub fn into_owned(self) -> Packet<'static> {
        Packet {
            data: Cow::Owned(self.data.into_owned()),
            len: self.len,
            family: self.family,
            link: self.link,
        }
    }
}
