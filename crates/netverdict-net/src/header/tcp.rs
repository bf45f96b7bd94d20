//! The TCP header and its option list, read field by field.

use crate::{Beyond, Packet};

/// Bytes of the fixed header.
pub const HEADER_LEN: usize = 20;

/// Option kind of the maximum segment size; its length is 4.
pub const OPTION_MSS: u8 = 2;

/// Flag bits of byte 13.
pub mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;
    pub const ECE: u8 = 0x40;
    pub const CWR: u8 = 0x80;
}

/// A TCP header inside a packet. Each field says on its own whether the capture kept it.
#[derive(Debug, Clone, Copy)]
pub struct Tcp<'a, 'p> {
    packet: &'a Packet<'p>,
    offset: usize,
}

impl<'a, 'p> Tcp<'a, 'p> {
    /// The header at `offset` from the IP header; `None` where the packet ends inside its 20 bytes.
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

    /// The sequence number.
    pub fn sequence(self) -> Result<u32, Beyond> {
        self.packet.u32(self.offset + 4)
    }

    /// The acknowledgement number, meaningful with [`flag::ACK`].
    pub fn acknowledgement(self) -> Result<u32, Beyond> {
        self.packet.u32(self.offset + 8)
    }

    /// The header length in bytes that the data offset states: 0 to 60, not checked.
    pub fn header_len(self) -> Result<usize, Beyond> {
        let byte = self.packet.array::<1>(self.offset + 12)?[0];
        Ok(usize::from(byte >> 4) * 4)
    }

    /// The flags, see [`flag`].
    pub fn flags(self) -> Result<u8, Beyond> {
        Ok(self.packet.array::<1>(self.offset + 13)?[0])
    }

    /// The window, unscaled.
    pub fn window(self) -> Result<u16, Beyond> {
        self.packet.u16(self.offset + 14)
    }

    /// The option bytes. A data offset below 5 or beyond the packet is [`Beyond::PacketEnd`]: the kernel's readers
    /// treat both as a broken header.
    pub fn options(self) -> Result<&'a [u8], Beyond> {
        let len = self
            .header_len()?
            .checked_sub(HEADER_LEN)
            .ok_or(Beyond::PacketEnd)?;
        self.packet.read(self.offset + HEADER_LEN, len)
    }
}

/// The option list as netfilter walks it (`tcp_find_option` of net/netfilter/xt_tcpudp.c): kinds 0 and 1 are one byte,
/// end-of-list does not end it, a length of 0 counts as 1. Yields each option's place and kind.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Options<'a> {
    /// Walks the bytes of [`Tcp::options`].
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The value of the first well-formed MSS option.
    pub fn mss(self) -> Option<u16> {
        let bytes = self.bytes;
        self.into_iter().find_map(|(at, kind)| {
            let [_, len, high, low] = *bytes.get(at..)?.first_chunk()?;
            (kind == OPTION_MSS && len == 4).then_some(u16::from_be_bytes([high, low]))
        })
    }
}

impl Iterator for Options<'_> {
    type Item = (usize, u8);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let kind = *self.bytes.get(at)?;
        self.at += match self.bytes.get(at + 1) {
            Some(&len) if kind >= 2 => usize::from(len.max(1)),
            _ => 1,
        };
        Some((at, kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Link};

    fn packet(transport: &[u8]) -> Packet<'static> {
        let mut bytes = vec![0x45; 20];
        bytes.extend_from_slice(transport);
        Packet::owned(bytes, Family::V4, Link::default())
    }

    #[test]
    fn fields_are_where_rfc_9293_puts_them() {
        let p = packet(&[
            0x30, 0x39, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x12, 0x20, 0, 0, 0, 0, 0,
        ]);
        let tcp = Tcp::at(&p, 20).unwrap();
        assert_eq!(tcp.source_port(), Ok(12345));
        assert_eq!(tcp.destination_port(), Ok(80));
        assert_eq!(tcp.sequence(), Ok(0x0102_0304));
        assert_eq!(tcp.acknowledgement(), Ok(0x0506_0708));
        assert_eq!(tcp.header_len(), Ok(20));
        assert_eq!(tcp.flags(), Ok(flag::SYN | flag::ACK));
        assert_eq!(tcp.window(), Ok(0x2000));
        assert_eq!(tcp.options(), Ok(&[][..]));
    }

    #[test]
    fn nineteen_bytes_are_no_header() {
        assert!(Tcp::at(&packet(&[0; 19]), 20).is_none());
    }

    #[test]
    fn a_broken_data_offset_hides_the_options() {
        let mut header = [0; 20];
        header[12] = 0x40;
        assert_eq!(
            Tcp::at(&packet(&header), 20).unwrap().options(),
            Err(Beyond::PacketEnd)
        );
        header[12] = 0x60;
        assert_eq!(
            Tcp::at(&packet(&header), 20).unwrap().options(),
            Err(Beyond::PacketEnd)
        );
    }

    #[test]
    fn the_walk_steps_over_end_of_list_and_zero_lengths() {
        let kinds: Vec<u8> = Options::new(&[0, 1, 9, 0, 2, 4, 5, 180, 8])
            .map(|(_, kind)| kind)
            .collect();
        assert_eq!(kinds, [0, 1, 9, 0, 2, 8]);
        assert_eq!(Options::new(&[1, 2, 4, 5, 180]).mss(), Some(1460));
        assert_eq!(Options::new(&[2, 3, 5, 2, 4, 1]).mss(), None);
    }
}
