//! Defragmentation (net/ipv4/ip_fragment.c, net/ipv6/netfilter/nf_conntrack_reasm.c).

use netverdict_host::Host;
use netverdict_net::Jiffies;

use crate::state::Rewind;
use crate::{Config, Reason, Skb};

/// Who asks: fragments of different askers are never put together (`enum ip_defrag_users`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// Fragments that wait.
#[derive(Debug, Default)]
pub(crate) struct Defrag {}

impl Defrag {
    /// Nothing waits; limits and timeouts are the host's.
    pub(crate) fn for_host(_host: &Host, _config: &Config) -> Self {
        Self::default()
    }

    /// Takes a packet of either family; what is no fragment costs one test.
    pub(crate) fn take(&mut self, skb: &mut Skb<'_>, asker: Asker, now: Jiffies) -> Defragged {
        let _ = (skb, asker, now);
        Defragged::Untouched
    }
}

impl Rewind for Defrag {
    fn checkpoint(&mut self) {}
    fn rollback(&mut self) {}
    fn commit(&mut self) {}
}
