//! IPv4 (`ip_frag_queue`, `ip_frag_reasm`).

use netverdict_net::checksum::{finish, sum};
use netverdict_net::header::{ipv4_fragment, network_header_len};
use netverdict_net::{Family, Jiffies, Link, Packet};

use super::queue::{Insert, Queue};
use super::{Asker, Defrag, Defragged, Key, Taken, merge_ecn};
use crate::Skb;
use crate::conntrack::addr;

const MAX_LEN: usize = 65_535;

impl Defrag {
    pub(super) fn take_v4(&mut self, skb: &mut Skb<'_>, asker: Asker, now: Jiffies) -> Defragged {
        let (offset, more) = ipv4_fragment(&skb.packet);
        if offset == 0 && !more {
            return Defragged::Untouched;
        }
        let source = addr(skb.packet.source());
        let key = Key {
            asker,
            family: Family::V4,
            source,
            destination: addr(skb.packet.destination()),
            id: u32::from(skb.packet.u16(4).unwrap_or(0)),
            protocol: skb.packet.captured().get(9).copied().unwrap_or(0),
            device: [0; 16],
        };
        let (ticks, max_distance) = (self.limits.ipv4, self.limits.distance);
        let sent = self.count(source);
        let packet = skb.packet.clone();
        self.enqueue(skb, key, now, ticks, |queue| {
            if queue.is_too_far(sent, max_distance) {
                queue.clear();
                queue.expires = now.0 + ticks;
            }
            queue.distance = sent;
            queue.take_v4(&packet, offset, more)
        })
    }

    /// Counts a fragment of its source.
    fn count(&mut self, source: u128) -> u32 {
        self.note_peer(source);
        let count = self.peers.entry(source).or_default();
        *count = count.wrapping_add(1);
        *count
    }
}

impl Queue {
    /// Whether so many fragments of the source came in between that the identification may have come round
    /// (`ip_frag_too_far`).
    const fn is_too_far(&self, sent: u32, max: u32) -> bool {
        max != 0 && !self.is_empty() && sent.wrapping_sub(self.distance) > max
    }

    fn take_v4(&mut self, packet: &Packet<'_>, offset: u16, more: bool) -> Taken {
        let header_len = network_header_len(packet);
        let offset = usize::from(offset) * 8;
        let mut end = offset + packet.len() - header_len;
        if more {
            end &= !7;
            if end > self.len {
                if self.has_last {
                    return Taken::Discarded;
                }
                self.len = end;
            }
        } else {
            if end < self.len || self.has_last && end != self.len {
                return Taken::Discarded;
            }
            self.has_last = true;
            self.len = end;
        }
        if end == offset {
            return Taken::Discarded;
        }
        let len = end.saturating_sub(offset);
        let data = packet.captured().get(header_len..).unwrap_or_default();
        match self.insert(offset, len, &data[..data.len().min(len)]) {
            Insert::Done => {}
            Insert::Duplicate => return Taken::Refused,
            Insert::Overlap => return Taken::Discarded,
        }
        self.ecn |= 1 << (packet.tos() & 3);
        if offset == 0 {
            self.has_first = true;
            self.head = packet.captured()[..header_len].to_vec();
            self.link = packet.link;
        }
        let size = len + header_len;
        self.largest = self.largest.max(size);
        if packet.u16(6).unwrap_or(0) & 0x4000 != 0 {
            self.largest_unfragmentable = self.largest_unfragmentable.max(size);
        }
        if self.is_complete() {
            self.finish_v4()
        } else {
            Taken::Held
        }
    }

    fn finish_v4(&mut self) -> Taken {
        let Some(ecn) = merge_ecn(self.ecn) else {
            return Taken::Discarded;
        };
        let header_len = self.head.len();
        let total = header_len + self.len;
        if total > MAX_LEN {
            return Taken::Discarded;
        }
        let unfragmentable = self.largest == self.largest_unfragmentable;
        let (mut data, cut) = self.assemble();
        if let Some(header) = data.get_mut(..header_len) {
            header[1] |= ecn;
            header[2..4].copy_from_slice(&(total as u16).to_be_bytes());
            let flags: u16 = if unfragmentable { 0x4000 } else { 0 };
            header[6..8].copy_from_slice(&flags.to_be_bytes());
            header[10..12].copy_from_slice(&[0, 0]);
            let check = finish(sum(header, 0));
            header[10..12].copy_from_slice(&check.to_be_bytes());
        }
        whole(data, total, cut, Family::V4, self.link, self.largest)
    }
}

/// The datagram of these bytes; those the capture lacks are missing at its end.
pub(super) fn whole(
    data: Vec<u8>,
    total: usize,
    cut: bool,
    family: Family,
    link: Link,
    largest: usize,
) -> Taken {
    let largest = u16::try_from(largest).unwrap_or(u16::MAX);
    if !cut {
        return Taken::Whole {
            packet: Packet::owned(data, family, link),
            largest,
            first_end: None,
        };
    }
    match Packet::new(&data, total, link) {
        Ok(packet) => Taken::Whole {
            packet: packet.into_owned(),
            largest,
            first_end: None,
        },
        Err(_) => Taken::Discarded,
    }
}
