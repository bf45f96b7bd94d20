//! The chunks of an SCTP packet.

use netverdict_net::Packet;

use crate::conntrack::layer4::Fault;

pub(super) const DATA: u8 = 0;
pub(super) const INIT: u8 = 1;
pub(super) const INIT_ACK: u8 = 2;
pub(super) const HEARTBEAT: u8 = 4;
pub(super) const HEARTBEAT_ACK: u8 = 5;
pub(super) const ABORT: u8 = 6;
pub(super) const SHUTDOWN: u8 = 7;
pub(super) const SHUTDOWN_ACK: u8 = 8;
pub(super) const ERROR: u8 = 9;
pub(super) const COOKIE_ECHO: u8 = 10;
pub(super) const COOKIE_ACK: u8 = 11;
pub(super) const SHUTDOWN_COMPLETE: u8 = 14;

/// One chunk's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) kind: u8,
    flags: u8,
    len: u16,
    offset: usize,
}

impl Chunk {
    /// The sender had no tag of its own and reflects the other's.
    pub(super) const fn has_t_flag(&self) -> bool {
        self.flags & 1 != 0
    }

    /// The initiate tag of an INIT or INIT ACK.
    pub(super) fn init_tag(&self, packet: &Packet<'_>) -> Result<u32, Fault> {
        let header = packet
            .array::<16>(self.offset + 4)
            .map_err(Fault::reading("SCTP INIT beyond the packet"))?;
        Ok(u32::from_be_bytes([
            header[0], header[1], header[2], header[3],
        ]))
    }
}

/// The chunks in order, as far as the packet goes.
pub(super) struct Chunks<'c, 'p> {
    packet: &'c Packet<'p>,
    offset: usize,
}

impl<'c, 'p> Chunks<'c, 'p> {
    /// The chunks behind the common header at `offset`.
    pub(super) const fn new(packet: &'c Packet<'p>, offset: usize) -> Self {
        Self {
            packet,
            offset: offset + 12,
        }
    }
}

impl Iterator for Chunks<'_, '_> {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let &[kind, flags, high, low] = self.packet.array::<4>(self.offset).ok()?;
        let len = u16::from_be_bytes([high, low]);
        let chunk = Chunk {
            kind,
            flags,
            len,
            offset: self.offset,
        };
        self.offset += (usize::from(len) + 3) & !3;
        // A chunk of length 0 would never end; `check` has refused it.
        if len == 0 {
            self.offset = usize::MAX / 2;
        }
        Some(chunk)
    }
}

/// Which kinds of chunks a packet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds([u64; 4]);

impl Kinds {
    fn add(&mut self, kind: u8) {
        self.0[usize::from(kind >> 6)] |= 1 << (kind & 63);
    }

    pub(super) fn has_any(&self, kinds: &[u8]) -> bool {
        kinds
            .iter()
            .any(|kind| self.0[usize::from(kind >> 6)] & 1 << (kind & 63) != 0)
    }
}

/// Whether the chunks may stand together (`do_basic_checks`).
pub(super) fn check(packet: &Packet<'_>, offset: usize) -> Result<Kinds, Fault> {
    let mut kinds = Kinds::default();
    let mut alone = false;
    let mut count = 0;
    for chunk in Chunks::new(packet, offset) {
        alone |= matches!(chunk.kind, INIT | INIT_ACK | SHUTDOWN_COMPLETE);
        // COOKIE chunks come first, and those above come alone.
        let late = matches!(chunk.kind, COOKIE_ACK | COOKIE_ECHO) || alone;
        if late && count != 0 || chunk.len == 0 {
            return Err(Fault::Invalid("SCTP chunks that do not go together"));
        }
        kinds.add(chunk.kind);
        count += 1;
    }
    if count == 0 {
        return Err(Fault::Invalid("SCTP packet without chunks"));
    }
    Ok(kinds)
}
