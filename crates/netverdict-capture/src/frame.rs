//! One captured frame, its link layer decoded down to the network header.

use std::borrow::Cow;
use std::fmt;

use netverdict_net::{Family, InterfaceName, Link, Packet, PacketError, Timestamp};

use crate::LinkType;

/// What the capture itself says about a frame's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It came in.
    In,
    /// It went out.
    Out,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "in",
            Self::Out => "out",
        })
    }
}

/// One header between the link header and the network header, outermost first.
///
/// A frame with any of these is not for the interface that it was taken from: the kernel hands it to a VLAN, PPPoE or
/// MPLS device on top of that, and IP hooks see that device's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// 802.1Q, 802.1ad or the older 0x9100 tag.
    Vlan {
        /// The EtherType that announced the tag.
        tpid: u16,
        /// Priority (3 bits), drop eligibility (1 bit), VLAN number (12 bits).
        tci: u16,
    },
    /// A PPPoE session header.
    Pppoe {
        /// Session number.
        session: u16,
    },
    /// One entry of an MPLS label stack.
    Mpls {
        /// Label, 20 bits.
        label: u32,
    },
}

impl Tag {
    /// The VLAN number, if this is a VLAN tag. 0 is a priority tag, which names no VLAN.
    pub const fn vlan_id(self) -> Option<u16> {
        match self {
            Self::Vlan { tci, .. } => Some(tci & 0x0fff),
            Self::Pppoe { .. } | Self::Mpls { .. } => None,
        }
    }
}

/// Why a frame is no packet that iptables sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// The capture's link type is not read.
    LinkType(LinkType),
    /// The EtherType is not IP.
    EtherType(u16),
    /// 802.3 with an LLC header in place of an EtherType; IP is not carried that way on Linux.
    Llc,
    /// The address family of a NULL or LOOP header is not IP.
    AddressFamily(u32),
    /// The PPP protocol is not IP.
    PppProtocol(u16),
    /// Below the MPLS labels is no IP.
    MplsPayload,
    /// The PPPoE header is not one of a session, or says more bytes than the frame had: the kernel drops it.
    Pppoe,
    /// The frame ends inside a header of this layer.
    Short(Layer),
    /// The capture's snap length cut into a header of this layer.
    NotCaptured(Layer),
    /// A simple or enhanced packet block names an interface that the capture does not describe.
    NoInterface,
}

/// A layer below IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layer {
    /// Ethernet.
    Ethernet,
    /// Linux cooked.
    Cooked,
    /// NULL or LOOP.
    Null,
    /// VLAN tag.
    Vlan,
    /// PPPoE.
    Pppoe,
    /// MPLS.
    Mpls,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ethernet => "Ethernet",
            Self::Cooked => "Linux cooked",
            Self::Null => "NULL/LOOP",
            Self::Vlan => "VLAN",
            Self::Pppoe => "PPPoE",
            Self::Mpls => "MPLS",
        })
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkType(link_type) => write!(f, "link type {link_type} is not read"),
            Self::EtherType(ether_type) => write!(f, "EtherType 0x{ether_type:04x} is not IP"),
            Self::Llc => f.write_str("802.3 LLC frame"),
            Self::AddressFamily(family) => write!(f, "address family {family} is not IP"),
            Self::PppProtocol(protocol) => write!(f, "PPP protocol 0x{protocol:04x} is not IP"),
            Self::MplsPayload => f.write_str("no IP below the MPLS labels"),
            Self::Pppoe => f.write_str("not a PPPoE session packet"),
            Self::Short(layer) => write!(f, "ends inside the {layer} header"),
            Self::NotCaptured(layer) => write!(f, "{layer} header not captured"),
            Self::NoInterface => f.write_str("its interface is not described"),
        }
    }
}

/// What lies behind a frame's link layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// An IP header should begin at `offset` of the frame's data.
    Ip {
        /// Where, in bytes from the start of [`Frame::data`].
        offset: usize,
        /// Bytes from there to the frame's end as it was on the wire.
        on_wire: usize,
        /// The family that the link layer announced; `None` where only the version field tells.
        family: Option<Family>,
    },
    /// An ARP header should begin at `offset`.
    Arp {
        /// Where, in bytes from the start of [`Frame::data`].
        offset: usize,
        /// Bytes from there to the frame's end as it was on the wire.
        on_wire: usize,
    },
    /// Nothing that iptables or arptables sees.
    Skipped(SkipReason),
}

/// Where the IP packet of a decoded frame is in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    start: u32,
    end: u32,
    on_wire: u32,
    /// The frame's link layer.
    pub link: Link,
}

impl Position {
    /// The packet in the bytes of the same frame; `None` where [`Frame::packet`] gives none.
    pub fn packet<'a>(&self, data: &'a [u8]) -> Option<Packet<'a>> {
        let bytes = data.get(self.start as usize..self.end as usize)?;
        Packet::new(bytes, self.on_wire as usize, self.link).ok()
    }
}

/// One captured frame. Borrows from its [`Chunk`](crate::Chunk) unless made owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which of the captures it is from, counted from 0 in the order of [`Captures::files`](crate::Captures::files).
    pub file: usize,
    /// Its number in that file, counted from 1.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// The interface's name, where the capture tells (pcapng) and it is a name that Linux could give. The pseudo-device
    /// `any` is none.
    pub interface: Option<InterfaceName>,
    /// The interface in [`Summary::interfaces`](crate::Summary::interfaces), counted from 0 over all sections of the file.
    pub interface_index: Option<usize>,
    /// The kernel's interface index, where the frame tells (SLL2).
    pub ifindex: Option<u32>,
    /// What pcapng packet flags or the cooked packet type say.
    pub direction_hint: Option<Direction>,
    /// The link type of its interface.
    pub link_type: LinkType,
    /// The captured bytes from the link header on.
    pub data: Cow<'a, [u8]>,
    /// How many bytes there were on the wire; never below the captured ones.
    pub original_len: usize,
    /// VLAN, PPPoE and MPLS headers, outermost first.
    pub tags: Vec<Tag>,
    /// Addresses and packet type. Without flags or a cooked header the packet type tells only broadcast and multicast:
    /// whether a unicast frame is for another host takes knowledge of the own addresses.
    pub link: Link,
    /// What lies behind the link layer.
    pub network: Network,
    pub(crate) comment: Option<Cow<'a, [u8]>>,
}

impl Frame<'_> {
    /// The IP packet in it, as [`Packet::new`] takes it; `None` if there is none.
    ///
    /// # Errors
    /// The packet is one that `ip_rcv` or `ip6_rcv` drops before any hook, or too little of it was captured.
    pub fn packet(&self) -> Option<Result<Packet<'_>, PacketError>> {
        let Network::Ip {
            offset,
            on_wire,
            family,
        } = self.network
        else {
            return None;
        };
        // A check sequence or padding behind the link layer's own length is no part of the packet.
        let end = self.data.len().min(offset + on_wire);
        let bytes = self.data.get(offset..end).unwrap_or_default();
        Some(expect_family(bytes, family).and_then(|()| Packet::new(bytes, on_wire, self.link)))
    }

    /// Where its IP packet is, if it has one: [`Position::packet`] finds it again without decoding the frame.
    pub fn position(&self) -> Option<Position> {
        let Network::Ip {
            offset, on_wire, ..
        } = self.network
        else {
            return None;
        };
        Some(Position {
            start: offset as u32,
            end: self.data.len().min(offset + on_wire) as u32,
            on_wire: on_wire as u32,
            link: self.link,
        })
    }

    /// The comment stored with the frame (pcapng), text or not.
    pub fn comment(&self) -> Option<&[u8]> {
        self.comment.as_deref()
    }

    /// Whether the capture kept all of it.
    pub fn is_whole(&self) -> bool {
        self.data.len() >= self.original_len
    }

    /// A copy that owns its bytes.
    pub fn into_owned(self) -> Frame<'static> {
        Frame {
            data: Cow::Owned(self.data.into_owned()),
            comment: self.comment.map(|c| Cow::Owned(c.into_owned())),
            ..self
        }
    }
}

/// ip_rcv and ip6_rcv drop a packet whose version is not the one its EtherType announced.
fn expect_family(bytes: &[u8], family: Option<Family>) -> Result<(), PacketError> {
    match (bytes.first().map(|b| b >> 4), family) {
        (Some(version), Some(Family::V4)) if version != 4 => Err(PacketError::Version(version)),
        (Some(version), Some(Family::V6)) if version != 6 => Err(PacketError::Version(version)),
        _ => Ok(()),
    }
}
