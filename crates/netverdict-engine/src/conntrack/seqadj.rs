//! Sequence numbers behind a helper that made a payload longer or shorter (nf_conntrack_seqadj.c).

use netverdict_net::{Beyond, Packet};

use super::tcp::{after, before};
use super::{Direction, Entry, Status};
use crate::rewrite;

const END: u8 = 0;
const NOP: u8 = 1;
const SACK: u8 = 5;

/// By how much the numbers of one direction are shifted (`struct nf_ct_seqadj`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shift {
    /// Where the last change of length was.
    position: u32,
    /// The shift up to there.
    before: i32,
    /// The shift beyond.
    after: i32,
}

impl Shift {
    /// A payload at `sequence` changed its length. Only one change is remembered; one that was seen counts once
    /// (`nf_ct_seqadj_set`).
    const fn note(&mut self, sequence: u32, by: i32) {
        if self.before == self.after || before(self.position, sequence) {
            self.position = sequence;
            self.before = self.after;
            self.after = self.after.wrapping_add(by);
        }
    }

    /// What is added to a sequence number of this direction.
    const fn at(&self, sequence: u32) -> u32 {
        let shift = if after(sequence, self.position) {
            self.after
        } else {
            self.before
        };
        shift as u32
    }

    /// What is taken from a number of this direction that was shifted.
    const fn back(&self, shifted: u32) -> u32 {
        self.at(shifted.wrapping_sub(self.before as u32))
    }
}

impl Entry {
    /// Notes that a payload of one direction changed its length.
    pub(super) fn note_shift(&mut self, direction: Direction, sequence: u32, by: i32) {
        if by == 0 {
            return;
        }
        self.status.insert(Status::SEQ_ADJUST);
        let shifts = self.extra_mut().shifts.get_or_insert_default();
        shifts[direction.index()].note(sequence, by);
    }

    /// What is added to a sequence number of one direction on its way (`nf_ct_seq_offset`).
    #[inline]
    pub(super) fn shift(&self, direction: Direction, sequence: u32) -> u32 {
        if !self.status.contains(Status::SEQ_ADJUST) {
            return 0;
        }
        let shifts = self.extra().and_then(|extra| extra.shifts);
        shifts.map_or(0, |shifts| shifts[direction.index()].at(sequence))
    }
}

/// Shifts the numbers of a packet with its header at `header` (`nf_ct_seq_adjust`). The kernel does so whatever the
/// header is. `None` where it drops the packet, for a header too short or options that are none.
pub(super) fn adjust(
    packet: &mut Packet<'_>,
    header: usize,
    entry: &Entry,
    direction: Direction,
) -> Option<()> {
    let shifts = entry.extra().and_then(|extra| extra.shifts)?;
    let (own, other) = (shifts[direction.index()], shifts[direction.other().index()]);
    let (sequence, ack, flags) = match packet.array::<20>(header) {
        Ok(bytes) => {
            let word = |at: usize| {
                u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
            };
            (word(4), word(8), bytes[13])
        }
        Err(Beyond::PacketEnd) => return None,
        Err(Beyond::Captured) => return Some(()),
    };
    replace(
        packet,
        header,
        header + 4,
        sequence.wrapping_add(own.at(sequence)),
    );
    if flags & 0x10 == 0 {
        return Some(());
    }
    replace(
        packet,
        header,
        header + 8,
        ack.wrapping_sub(other.back(ack)),
    );
    sacks(packet, header, other)
}

/// Writes a word of the header, the checksum following.
fn replace(packet: &mut Packet<'_>, header: usize, at: usize, new: u32) {
    let Ok(old) = packet.array::<4>(at).copied() else {
        return;
    };
    rewrite::update_sum(packet, header + 16, &old, &new.to_be_bytes());
    rewrite::put_bytes(packet, at, &new.to_be_bytes());
}

fn sacks(packet: &mut Packet<'_>, header: usize, other: Shift) -> Option<()> {
    let &[words] = packet.array::<1>(header + 12).ok()?;
    let end = header + usize::from(words >> 4) * 4;
    if packet.len() < end {
        return None;
    }
    let mut at = header + 20;
    while at < end {
        let &[kind] = packet.array::<1>(at).ok()?;
        match kind {
            END => return Some(()),
            NOP => at += 1,
            _ => {
                let Ok(&[len]) = packet.array::<1>(at + 1) else {
                    return None;
                };
                let len = usize::from(len);
                if at + 1 == end || at + len > end || len < 2 {
                    return None;
                }
                if kind == SACK && len >= 10 && (len - 2).is_multiple_of(8) {
                    for edge in (at + 2..at + len).step_by(4) {
                        let number = packet.u32(edge).ok()?;
                        replace(
                            packet,
                            header,
                            edge,
                            number.wrapping_sub(other.back(number)),
                        );
                    }
                }
                at += len;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
