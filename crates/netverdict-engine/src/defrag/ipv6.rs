//! IPv6 as netfilter does it, before any table but raw's early form (`nf_ct_frag6_gather`).

use netverdict_net::header::ipv6::is_extension;
use netverdict_net::{Family, Jiffies, Packet, Protocol};

use super::ipv4::whole;
use super::queue::{Insert, Queue};
use super::{Asker, Defrag, Defragged, Key, Taken, device_bytes, merge_ecn};
use crate::Skb;
use crate::conntrack::{addr, skip_extensions};

const MAX_PAYLOAD: usize = 65_535;

/// The fragment header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// Where it is.
    at: usize,
    /// Where the number that announces it is.
    announced_at: usize,
    offset: usize,
    more: bool,
    id: u32,
}

/// What the packet's chain of headers says.
enum Found {
    Header(Header),
    /// No fragment, or one that passes as it is.
    Nothing,
    /// The header does not fit the packet.
    Short,
}

impl Defrag {
    pub(super) fn take_v6(&mut self, skb: &mut Skb<'_>, asker: Asker, now: Jiffies) -> Defragged {
        let header = match find(&skb.packet) {
            Found::Header(header) => header,
            Found::Nothing => return Defragged::Untouched,
            Found::Short => return Defragged::Drop(crate::Reason::FragmentBad),
        };
        let key = Key {
            asker,
            family: Family::V6,
            source: addr(skb.packet.source()),
            destination: addr(skb.packet.destination()),
            id: header.id,
            protocol: 0,
            device: device_bytes(skb.in_device),
        };
        let ticks = self.limits.ipv6;
        let packet = skb.packet.clone();
        self.enqueue(skb, key, now, ticks, |queue| queue.take_v6(&packet, header))
    }
}

/// Finds the fragment header (`find_prev_fhdr`) of a packet that is to be reassembled. A first fragment that does not
/// hold all headers passes by (RFC 8200, 4.5; `ipv6frag_thdr_truncated`).
fn find(packet: &Packet<'_>) -> Found {
    let Ok(&[high, low, next]) = packet.array::<3>(4) else {
        return Found::Nothing;
    };
    if [high, low] == [0, 0] {
        return Found::Nothing;
    }
    let mut protocol = Protocol(next);
    let (mut at, mut announced_at) = (40, 6);
    while protocol != Protocol::FRAGMENT {
        if !is_extension(protocol) || protocol == Protocol::NONE {
            return Found::Nothing;
        }
        let Ok(&[next, len]) = packet.array::<2>(at) else {
            return Found::Nothing;
        };
        announced_at = at;
        at += match protocol {
            Protocol::AH => (usize::from(len) + 2) * 4,
            _ => (usize::from(len) + 1) * 8,
        };
        protocol = Protocol(next);
    }
    if at > packet.len() {
        return Found::Nothing;
    }
    if lacks_upper_header(packet, at) {
        return Found::Nothing;
    }
    let Ok(&[_, _, a, b, id @ ..]) = packet.array::<8>(at) else {
        return Found::Short;
    };
    let word = u16::from_be_bytes([a, b]);
    Found::Header(Header {
        at,
        announced_at,
        offset: usize::from(word & !7),
        more: word & 1 != 0,
        id: u32::from_be_bytes(id),
    })
}

fn lacks_upper_header(packet: &Packet<'_>, fragment: usize) -> bool {
    let Ok(walk) = skip_extensions(packet, Protocol::FRAGMENT, fragment) else {
        return false;
    };
    if walk.fragment_offset != 0 {
        return false;
    }
    let needed = match walk.layer4.protocol {
        Protocol::TCP => 20,
        Protocol::UDP | Protocol::ICMPV6 => 8,
        _ => 1,
    };
    walk.layer4.offset + needed > packet.len()
}

impl Queue {
    fn take_v6(&mut self, packet: &Packet<'_>, header: Header) -> Taken {
        let payload_at = header.at + 8;
        let payload_len = packet.len() - 40;
        let offset = header.offset;
        let end = offset + packet.len() - payload_at;
        if end > MAX_PAYLOAD {
            return Taken::Refused;
        }
        if header.more {
            if end & 7 != 0 {
                return Taken::Passed;
            }
            if end > self.len {
                if self.has_last {
                    return Taken::Refused;
                }
                self.len = end;
            }
        } else {
            if end < self.len || self.has_last && end != self.len {
                return Taken::Refused;
            }
            self.has_last = true;
            self.len = end;
        }
        if end == offset {
            return Taken::Refused;
        }
        let data = packet.captured().get(payload_at..).unwrap_or_default();
        match self.insert(offset, end - offset, data) {
            Insert::Done => {}
            Insert::Duplicate => return Taken::Held,
            Insert::Overlap => return Taken::Discarded,
        }
        self.ecn |= 1 << (packet.tos() & 3);
        self.largest = self.largest.max(payload_len);
        if offset == 0 {
            self.has_first = true;
            self.keep_head(packet, header);
        }
        if self.is_complete() {
            self.finish_v6()
        } else {
            Taken::Held
        }
    }

    /// Keeps the first fragment's headers, its fragment header taken out of the chain.
    fn keep_head(&mut self, packet: &Packet<'_>, header: Header) {
        let next = packet.array::<1>(header.at).map_or(0, |[next]| *next);
        self.head = packet.captured()[..header.at].to_vec();
        if let Some(place) = self.head.get_mut(header.announced_at) {
            *place = next;
        }
        self.link = packet.link;
    }

    fn finish_v6(&mut self) -> Taken {
        let Some(ecn) = merge_ecn(self.ecn) else {
            return Taken::Discarded;
        };
        let payload = self.head.len() - 40 + self.len;
        if payload > MAX_PAYLOAD {
            return Taken::Discarded;
        }
        let largest = self.largest + 40;
        let first_end = u16::try_from(self.first_end()).ok();
        let (mut data, cut) = self.assemble();
        if let Some(header) = data.get_mut(..40) {
            header[1] |= ecn << 4;
            header[4..6].copy_from_slice(&(payload as u16).to_be_bytes());
        }
        match whole(data, payload + 40, cut, Family::V6, self.link, largest) {
            Taken::Whole {
                packet, largest, ..
            } => Taken::Whole {
                packet,
                largest,
                first_end,
            },
            other => other,
        }
    }
}
