//! What the link layer of a packet says: addresses, kind and packet type.

use std::fmt;
use std::str::FromStr;

use crate::InterfaceName;

/// A 48-bit Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct MacAddr(pub [u8; 6]);

/// Why a text is no MAC address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a MAC address")]
pub struct MacParseError(pub String);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether the group bit is set and it is not broadcast.
    pub fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1 && self != Self::BROADCAST
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MacAddr {
    type Err = MacParseError;

    fn from_str(text: &str) -> Result<Self, MacParseError> {
        let bad = || MacParseError(text.to_owned());
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts
                .next()
                .filter(|p| (1..=2).contains(&p.len()))
                .ok_or_else(bad)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| bad())?;
        }
        if parts.next().is_some() {
            Err(bad())
        } else {
            Ok(Self(bytes))
        }
    }
}

/// A MAC address under a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacMask {
    /// Address, already masked.
    pub addr: MacAddr,
    /// Mask.
    pub mask: MacAddr,
}

/// The kind of link a frame was taken from, as far as matches care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LinkKind {
    /// Ethernet: the frame has both MAC addresses.
    Ethernet,
    /// Linux cooked (SLL, SLL2): only the sender's address is kept.
    Cooked,
    /// No link header, or one without addresses (raw IP, NULL, PPP).
    #[default]
    Bare,
}

/// `skb->pkt_type`: whom the link-layer destination names, seen from this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PacketType {
    /// To us.
    #[default]
    Host,
    /// To everyone.
    Broadcast,
    /// To a group.
    Multicast,
    /// To someone else: never reaches a hook (`ip_rcv` drops it).
    OtherHost,
    /// Sent by us.
    Outgoing,
}

/// The link layer of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// What kind of link.
    pub kind: LinkKind,
    /// Sender, where the link keeps it.
    pub source: Option<MacAddr>,
    /// Receiver, where the link keeps it.
    pub destination: Option<MacAddr>,
    /// Whom the frame is for.
    pub packet_type: PacketType,
    /// The bridge's port that it was captured on, where it was captured below a bridge.
    pub port: Option<InterfaceName>,
}
