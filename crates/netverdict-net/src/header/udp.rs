//! The UDP header, which UDP-Lite shares save that its length field is the checksum's coverage.

use crate::{Beyond, Packet};

/// Bytes of the header.
pub const HEADER_LEN: usize = 8;

/// A UDP or UDP-Lite header inside a packet.
#[derive(Debug, Clone, Copy)]
pub struct Udp<'a, 'p> {
    packet: &'a Packet<'p>,
    offset: usize,
}

impl<'a, 'p> Udp<'a, 'p> {
    /// The header at `offset` from the IP header; `None` where the packet ends inside its 8 bytes.
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

    /// The length field: header and payload, or UDP-Lite's coverage. Not checked.
    pub fn length(self) -> Result<u16, Beyond> {
        self.packet.u16(self.offset + 4)
    }

    /// The checksum field; 0 says that there is none.
    pub fn checksum(self) -> Result<u16, Beyond> {
        self.packet.u16(self.offset + 6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Link};

    #[test]
    fn fields_are_where_rfc_768_puts_them() {
        let mut bytes = vec![0x45; 20];
        bytes.extend_from_slice(&[0, 53, 0x80, 0, 0, 8, 0xab, 0xcd]);
        let p = Packet::owned(bytes, Family::V4, Link::default());
        let udp = Udp::at(&p, 20).unwrap();
        assert_eq!(udp.source_port(), Ok(53));
        assert_eq!(udp.destination_port(), Ok(0x8000));
        assert_eq!(udp.length(), Ok(8));
        assert_eq!(udp.checksum(), Ok(0xabcd));
        assert!(Udp::at(&p, 21).is_none());
    }
}
