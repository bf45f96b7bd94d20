//! The first eight bytes of ICMP and ICMPv6 messages.

use crate::{Beyond, Packet};

/// Bytes of the header that every message has.
pub const HEADER_LEN: usize = 8;

/// An ICMP or ICMPv6 header inside a packet.
#[derive(Debug, Clone, Copy)]
pub struct Icmp<'a, 'p> {
    packet: &'a Packet<'p>,
    offset: usize,
}

impl<'a, 'p> Icmp<'a, 'p> {
    /// The header at `offset` from the IP header; `None` where the packet ends inside its 8 bytes.
    pub fn at(packet: &'a Packet<'p>, offset: usize) -> Option<Self> {
        packet
            .holds(offset, HEADER_LEN)
            .then_some(Self { packet, offset })
    }

    /// `(type, code)`.
    pub fn type_code(self) -> Result<(u8, u8), Beyond> {
        self.packet.array::<2>(self.offset).map(|&[t, c]| (t, c))
    }

    /// The identifier of echo-like messages.
    pub fn id(self) -> Result<u16, Beyond> {
        self.packet.u16(self.offset + 4)
    }

    /// Where the message's body starts: for errors the offending packet.
    pub fn body_offset(self) -> usize {
        self.offset + HEADER_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Link};

    #[test]
    fn fields_are_where_rfc_792_puts_them() {
        let mut bytes = vec![0x45; 20];
        bytes.extend_from_slice(&[8, 3, 0, 0, 0x12, 0x34, 0, 1]);
        let p = Packet::owned(bytes, Family::V4, Link::default());
        let icmp = Icmp::at(&p, 20).unwrap();
        assert_eq!(icmp.type_code(), Ok((8, 3)));
        assert_eq!(icmp.id(), Ok(0x1234));
        assert_eq!(icmp.body_offset(), 28);
        assert!(Icmp::at(&p, 21).is_none());
    }
}
