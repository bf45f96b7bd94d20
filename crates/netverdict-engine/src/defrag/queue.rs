//! The fragments of one datagram (net/ipv4/inet_fragment.c).

use netverdict_net::Link;

/// One fragment's payload.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    offset: usize,
    len: usize,
    /// What of it was captured.
    data: Vec<u8>,
}

/// Fragments that came in order, one right behind the other. Only these are merged: a fragment that fills a gap starts a
/// run of its own, which is why a later one that spans both is an overlap, not a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    start: usize,
    end: usize,
}

/// Whether a fragment could be put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insert {
    Done,
    /// All of it was there already.
    Duplicate,
    Overlap,
}

/// A datagram's fragments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Queue {
    /// When it is given up; 0 for a queue just made.
    pub(super) expires: i64,
    /// The datagram's payload length, as far as is known.
    pub(super) len: usize,
    pub(super) has_first: bool,
    pub(super) has_last: bool,
    /// The congestion marks seen, one bit each.
    pub(super) ecn: u8,
    /// The largest fragment, and the largest that forbade fragmentation.
    pub(super) largest: usize,
    pub(super) largest_unfragmentable: usize,
    /// How many fragments its source had sent when the last one came.
    pub(super) distance: u32,
    /// The first fragment, up to its payload.
    pub(super) head: Vec<u8>,
    /// The first fragment's link layer.
    pub(super) link: Link,
    pieces: Vec<Piece>,
    runs: Vec<Run>,
    bytes: usize,
}

impl Queue {
    /// Whether anything waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How much of the datagram is in its first fragment, headers included.
    pub(super) fn first_end(&self) -> usize {
        let first = self.pieces.iter().find(|piece| piece.offset == 0);
        self.head.len() + first.map_or(0, |piece| piece.len)
    }

    /// Forgets all fragments.
    pub(super) fn clear(&mut self) {
        *self = Self {
            expires: self.expires,
            distance: self.distance,
            ..Self::default()
        };
    }

    /// Puts a payload in, unless it overlaps what is there (`inet_frag_queue_insert`).
    pub(super) fn insert(&mut self, offset: usize, len: usize, data: &[u8]) -> Insert {
        let end = offset + len;
        match self.runs.last_mut() {
            None => self.runs.push(Run { start: offset, end }),
            Some(last) if last.end < end => {
                if offset < last.end {
                    return Insert::Overlap;
                }
                if offset == last.end {
                    last.end = end;
                } else {
                    self.runs.push(Run { start: offset, end });
                }
            }
            Some(_) => {
                let place = self.runs.partition_point(|run| run.end <= offset);
                match self.runs.get(place) {
                    Some(run) if run.start < end => {
                        return if run.start <= offset && end <= run.end {
                            Insert::Duplicate
                        } else {
                            Insert::Overlap
                        };
                    }
                    _ => self.runs.insert(place, Run { start: offset, end }),
                }
            }
        }
        self.bytes += len;
        let data = data.to_vec();
        self.pieces.push(Piece { offset, len, data });
        Insert::Done
    }

    /// Whether every byte is there.
    pub(super) const fn is_complete(&self) -> bool {
        self.has_first && self.has_last && self.bytes == self.len
    }

    /// Head and payloads in order. The second value is true if the capture lacks bytes, which are then left out from the
    /// first gap on.
    pub(super) fn assemble(&mut self) -> (Vec<u8>, bool) {
        self.pieces.sort_by_key(|piece| piece.offset);
        let mut whole = std::mem::take(&mut self.head);
        for piece in &self.pieces {
            whole.extend_from_slice(&piece.data);
            if piece.data.len() < piece.len {
                return (whole, true);
            }
        }
        (whole, false)
    }
}
