//! The link layer: from a frame's first byte to its network header.

pub(crate) mod bare;
pub(crate) mod cooked;
pub(crate) mod ethernet;
pub(crate) mod tags;

use netverdict_net::{Family, Link};

use crate::LinkType;
use crate::frame::{Direction, Layer, Network, SkipReason, Tag};

/// What the link layer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) link: Link,
    pub(crate) tags: Vec<Tag>,
    pub(crate) network: Network,
    pub(crate) ifindex: Option<u32>,
    pub(crate) direction: Option<Direction>,
}

impl Default for Decoded {
    fn default() -> Self {
        Self {
            link: Link::default(),
            tags: Vec::new(),
            network: Network::Skipped(SkipReason::LinkType(LinkType::UNKNOWN)),
            ifindex: None,
            direction: None,
        }
    }
}

/// Decodes the link layer of a frame of which `data` were captured and `on_wire` bytes were there.
#[inline]
pub(crate) fn decode(link_type: LinkType, data: &[u8], on_wire: usize) -> Decoded {
    let bytes = Bytes {
        data,
        at: 0,
        end: on_wire.max(data.len()),
    };
    match link_type {
        LinkType::ETHERNET => ethernet::decode(bytes),
        LinkType::SLL => cooked::decode(bytes),
        LinkType::SLL2 => cooked::decode2(bytes),
        LinkType::RAW | LinkType::RAW_12 | LinkType::RAW_14 => bare::raw(bytes, None),
        LinkType::IPV4 => bare::raw(bytes, Some(Family::V4)),
        LinkType::IPV6 => bare::raw(bytes, Some(Family::V6)),
        LinkType::NULL => bare::null(bytes),
        LinkType::LOOP => bare::loopback(bytes),
        other => Decoded::skipped(SkipReason::LinkType(other)),
    }
}

/// The undecoded rest of a frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a> {
    data: &'a [u8],
    /// How far decoding has come.
    at: usize,
    /// Where the frame ended on the wire; not before the captured bytes' end unless a length field says so.
    end: usize,
}

impl<'a> Bytes<'a> {
    /// The captured rest.
    pub(crate) fn rest(&self) -> &'a [u8] {
        let end = self.end.min(self.data.len());
        self.data.get(self.at..end).unwrap_or_default()
    }

    /// Bytes from here to the frame's end on the wire.
    pub(crate) fn on_wire(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// Goes past a header.
    pub(crate) fn skip(self, len: usize) -> Self {
        Self {
            at: self.at + len,
            ..self
        }
    }

    /// Lets the frame end after so many more bytes, as a length field says.
    pub(crate) fn limit(self, len: usize) -> Self {
        Self {
            end: self.end.min(self.at + len),
            ..self
        }
    }

    /// Why a header of `len` bytes cannot be read here.
    pub(crate) fn missing(&self, len: usize, layer: Layer) -> Network {
        Network::Skipped(if self.on_wire() < len {
            SkipReason::Short(layer)
        } else {
            SkipReason::NotCaptured(layer)
        })
    }

    /// An IP header begins here.
    pub(crate) fn ip(&self, family: Option<Family>) -> Network {
        Network::Ip {
            offset: self.at,
            on_wire: self.on_wire(),
            family,
        }
    }

    /// An ARP header begins here.
    pub(crate) fn arp(&self) -> Network {
        Network::Arp {
            offset: self.at,
            on_wire: self.on_wire(),
        }
    }
}
