//! Defragmentation (net/ipv4/ip_fragment.c, net/ipv6/netfilter/nf_conntrack_reasm.c): fragments wait here until their
//! datagram is whole.
//!
//! Both families share the queue ([`queue`]); what they accept, and what they make of the pieces, differs.

mod ipv4;
mod ipv6;
mod queue;

use std::collections::BTreeMap;

use netverdict_host::{Host, keys};
use netverdict_net::{Device, Family, Jiffies, Packet};

use queue::Queue;

use crate::state::Rewind;
use crate::{Config, Connection, Reason, Skb};

/// Who asks: fragments of different askers are never put together (`enum ip_defrag_users`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Asker {
    /// Connection tracking at PREROUTING, at -400.
    Prerouting,
    /// Connection tracking at OUTPUT.
    Output,
    /// Local delivery, before INPUT (IPv4), whatever rules are loaded.
    LocalDelivery,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defragged {
    /// It is no fragment, or one that passes as it is.
    Untouched,
    /// It waits for the rest.
    Held,
    /// It was the last one missing: `skb.packet` is the whole datagram, `skb.largest_fragment` is set.
    Completed,
    /// It is dropped.
    Drop(Reason),
}

/// What tells datagrams apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    asker: Asker,
    family: Family,
    source: u128,
    destination: u128,
    id: u32,
    /// IPv4 only.
    protocol: u8,
    /// IPv6 only: the device's name, for the kernel tells devices apart there.
    device: [u8; 16],
}

/// Fragments that wait.
#[derive(Debug, Default)]
pub(crate) struct Defrag {
    queues: BTreeMap<Key, Queue>,
    /// How many IPv4 fragments each source has sent, to tell how far apart two of a datagram are.
    peers: BTreeMap<u128, u32>,
    recording: bool,
    undo: Vec<Undo>,
    limits: Limits,
}

/// How long fragments wait, in ticks, and how far apart those of one datagram may be.
#[derive(Debug, Clone, Copy, Default)]
struct Limits {
    ipv4: i64,
    ipv6: i64,
    distance: u32,
}

/// What a checkpoint remembers, undone last to first.
#[derive(Debug)]
enum Undo {
    Queue(Key, Option<Box<Queue>>),
    Peer(u128, Option<u32>),
}

/// What a queue does with one fragment.
#[derive(Debug)]
enum Taken {
    Held,
    /// The datagram.
    Whole {
        packet: Packet<'static>,
        /// The length of its largest fragment.
        largest: u16,
        /// How many of its bytes came in the first one; IPv6 only.
        first_end: Option<u16>,
    },
    /// Dropped, the queue stays.
    Refused,
    /// Dropped, with all that waited.
    Discarded,
    /// Not for a queue: it passes, and the queue goes.
    Passed,
}

impl Defrag {
    /// Nothing waits; limits and timeouts are the host's.
    pub(crate) fn for_host(host: &Host, config: &Config) -> Self {
        let sysctls = host.sysctls();
        let ticks = |key| sysctls.get(key).max(0) * i64::from(config.hz);
        Self {
            limits: Limits {
                ipv4: ticks(keys::IPFRAG_TIME),
                ipv6: ticks(keys::FRAG6_TIMEOUT),
                distance: u32::try_from(sysctls.get(keys::IPFRAG_MAX_DIST)).unwrap_or(0),
            },
            ..Self::default()
        }
    }

    /// Takes a packet of either family; what is no fragment costs one test.
    pub(crate) fn take(&mut self, skb: &mut Skb<'_>, asker: Asker, now: Jiffies) -> Defragged {
        // Seen before, on its way out through loopback, or not to be tracked.
        if skb.connection != Connection::None && asker != Asker::LocalDelivery {
            return Defragged::Untouched;
        }
        match skb.packet.family() {
            Family::V4 => self.take_v4(skb, asker, now),
            Family::V6 => self.take_v6(skb, asker, now),
        }
    }

    /// Puts a fragment into its queue.
    fn enqueue(
        &mut self,
        skb: &mut Skb<'_>,
        key: Key,
        now: Jiffies,
        ticks: i64,
        take: impl FnOnce(&mut Queue) -> Taken,
    ) -> Defragged {
        self.sweep(now);
        self.note_queue(key);
        let queue = self.queues.entry(key).or_default();
        if queue.expires == 0 {
            queue.expires = now.0 + ticks;
        }
        let taken = take(queue);
        if !matches!(taken, Taken::Held | Taken::Refused) {
            self.queues.remove(&key);
        }
        match taken {
            Taken::Held => Defragged::Held,
            Taken::Whole {
                packet,
                largest,
                first_end,
            } => {
                skb.packet = packet;
                skb.largest_fragment = Some(largest);
                skb.first_end = first_end;
                Defragged::Completed
            }
            Taken::Refused | Taken::Discarded => Defragged::Drop(Reason::FragmentBad),
            Taken::Passed => Defragged::Untouched,
        }
    }

    /// Datagrams whose time is over go. Their number is small, and this runs for fragments only.
    fn sweep(&mut self, now: Jiffies) {
        let over: Vec<Key> = self
            .queues
            .iter()
            .filter(|(_, queue)| queue.expires <= now.0)
            .map(|(key, _)| *key)
            .collect();
        for key in over {
            self.note_queue(key);
            self.queues.remove(&key);
        }
    }

    fn note_queue(&mut self, key: Key) {
        if self.recording {
            let old = self.queues.get(&key).cloned().map(Box::new);
            self.undo.push(Undo::Queue(key, old));
        }
    }

    fn note_peer(&mut self, source: u128) {
        if self.recording {
            self.undo
                .push(Undo::Peer(source, self.peers.get(&source).copied()));
        }
    }
}

/// The name of a device, as part of a key.
fn device_bytes(device: Device) -> [u8; 16] {
    let mut bytes = [0; 16];
    if let Device::Named(name) = device {
        let text = name.as_str().as_bytes();
        let len = text.len().min(bytes.len());
        bytes[..len].copy_from_slice(&text[..len]);
    }
    bytes
}

/// RFC 3168: what the congestion marks of fragments, seen as a set, add to the first one's; `None` for marks that may
/// not meet (`ip_frag_ecn_table`).
const fn merge_ecn(seen: u8) -> Option<u8> {
    const NOT_ECT: u8 = 1;
    const CE: u8 = 8;
    if seen & NOT_ECT != 0 {
        return if seen == NOT_ECT { Some(0) } else { None };
    }
    Some(if seen & CE != 0 && seen != CE { 3 } else { 0 })
}

impl Rewind for Defrag {
    fn checkpoint(&mut self) {
        self.undo.clear();
        self.recording = true;
    }

    fn rollback(&mut self) {
        self.recording = false;
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Queue(key, Some(queue)) => {
                    self.queues.insert(key, *queue);
                }
                Undo::Queue(key, None) => {
                    self.queues.remove(&key);
                }
                Undo::Peer(source, Some(count)) => {
                    self.peers.insert(source, count);
                }
                Undo::Peer(source, None) => {
                    self.peers.remove(&source);
                }
            }
        }
    }

    fn commit(&mut self) {
        self.recording = false;
        self.undo.clear();
    }
}

#[cfg(test)]
mod tests;
