//! The SCTP common header and its chunks (RFC 9260).

use crate::{Beyond, Packet};

/// Bytes of the common header.
pub const HEADER_LEN: usize = 12;

/// An SCTP header inside a packet.
#[derive(Debug, Clone, Copy)]
pub struct Sctp<'a, 'p> {
    packet: &'a Packet<'p>,
    offset: usize,
}

/// The head of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Where it starts, from the IP header.
    pub offset: usize,
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its length with the 4 bytes of head, without padding.
    pub length: u16,
}

impl<'a, 'p> Sctp<'a, 'p> {
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

    /// The verification tag.
    pub fn verification_tag(self) -> Result<u32, Beyond> {
        self.packet.u32(self.offset + 4)
    }

    /// The chunks, first to last.
    pub fn chunks(self) -> Chunks<'a, 'p> {
        Chunks {
            packet: self.packet,
            next: Some(self.offset + HEADER_LEN),
        }
    }
}

/// Walks chunks while the next one starts inside the packet; steps are rounded up to four bytes. A head that cannot be
/// read, or a length of 0, is an error and ends the walk.
#[derive(Debug, Clone)]
pub struct Chunks<'a, 'p> {
    packet: &'a Packet<'p>,
    next: Option<usize>,
}

impl Iterator for Chunks<'_, '_> {
    type Item = Result<Chunk, Beyond>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.next.take()?;
        if offset >= self.packet.len() {
            return None;
        }
        let head = match self.packet.array::<4>(offset) {
            Ok(head) => head,
            Err(beyond) => return Some(Err(beyond)),
        };
        let [kind, flags, high, low] = *head;
        let length = u16::from_be_bytes([high, low]);
        if length == 0 {
            return Some(Err(Beyond::PacketEnd));
        }
        self.next = Some(offset + usize::from(length).next_multiple_of(4));
        Some(Ok(Chunk {
            offset,
            kind,
            flags,
            length,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Link};

    fn walk(chunks: &[u8]) -> Vec<Result<u8, Beyond>> {
        let mut bytes = vec![0x45; 32];
        bytes.extend_from_slice(chunks);
        let p = Packet::owned(bytes, Family::V4, Link::default());
        let sctp = Sctp::at(&p, 20).unwrap();
        sctp.chunks().map(|c| c.map(|c| c.kind)).collect()
    }

    #[test]
    fn steps_are_rounded_up_to_four() {
        assert_eq!(walk(&[3, 0, 0, 5, 1, 0, 0, 0, 7, 0, 0, 4]), [Ok(3), Ok(7)]);
    }

    #[test]
    fn a_length_past_the_end_ends_the_walk_quietly() {
        assert_eq!(walk(&[3, 0, 1, 0]), [Ok(3)]);
    }

    #[test]
    fn half_a_head_and_a_zero_length_are_errors() {
        assert_eq!(walk(&[3, 0, 0, 4, 1, 0]), [Ok(3), Err(Beyond::PacketEnd)]);
        assert_eq!(walk(&[3, 0, 0, 0]), [Err(Beyond::PacketEnd)]);
    }
}
