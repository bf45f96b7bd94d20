//! The DCCP header (RFC 4340).

use crate::{Beyond, Packet};

/// Bytes of the generic header with short sequence numbers.
pub const HEADER_LEN: usize = 12;

/// A DCCP header inside a packet.
#[derive(Debug, Clone, Copy)]
pub struct Dccp<'a, 'p> {
    packet: &'a Packet<'p>,
    offset: usize,
}

impl<'a, 'p> Dccp<'a, 'p> {
    /// The header at `offset` from the IP header; `None` where the packet ends inside its 12 bytes.
    pub fn at(packet: &'a Packet<'p>, offset: usize) -> Option<Self> {
        packet
            .holds(offset, HEADER_LEN)
            .then_some(Self { packet, offset })
    }

    /// The source port.
    pub fn source_port(self) -> Result<u16, Beyond> {
        self.packet.u16(self.offset)
    }

    /// The destination port.
    pub fn destination_port(self) -> Result<u16, Beyond> {
        self.packet.u16(self.offset + 2)
    }

    /// The header's length in bytes that the data offset states, options included. Not checked.
    pub fn header_len(self) -> Result<usize, Beyond> {
        Ok(usize::from(self.packet.array::<1>(self.offset + 4)?[0]) * 4)
    }

    /// The packet type, 0 (request) to 15.
    pub fn kind(self) -> Result<u8, Beyond> {
        Ok(self.packet.array::<1>(self.offset + 8)?[0] >> 1 & 15)
    }

    /// Whether sequence numbers are long: the generic header then has 16 bytes.
    pub fn is_extended(self) -> Result<bool, Beyond> {
        Ok(self.packet.array::<1>(self.offset + 8)?[0] & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Link};

    #[test]
    fn type_sits_between_reserved_bits_and_x() {
        let mut bytes = vec![0x45; 20];
        bytes.extend_from_slice(&[0, 1, 0, 2, 4, 0, 0, 0, 0b1110_0101, 0, 0, 0]);
        let p = Packet::owned(bytes, Family::V4, Link::default());
        let dccp = Dccp::at(&p, 20).unwrap();
        assert_eq!(
            (dccp.source_port(), dccp.destination_port()),
            (Ok(1), Ok(2))
        );
        assert_eq!(dccp.header_len(), Ok(16));
        assert_eq!(dccp.kind(), Ok(2));
        assert_eq!(dccp.is_extended(), Ok(true));
        assert!(Dccp::at(&p, 21).is_none());
    }
}
