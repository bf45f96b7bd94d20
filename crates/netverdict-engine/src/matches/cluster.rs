//! `-m cluster` (net/netfilter/xt_cluster.c).

use std::net::IpAddr;

use netverdict_net::PacketType;
use netverdict_ruleset::matches::Cluster;

use crate::Skb;
use crate::context::{Eval, MatchCx};
use crate::jhash::{jhash_1word, scale};

pub(crate) fn evaluate(m: &Cluster, cx: &mut MatchCx<'_, '_>) -> Eval {
    take_for_own(cx.skb);
    let Some((entry, _)) = cx.state.conntrack.of(cx.skb.connection) else {
        return Eval::False;
    };
    let node = scale(hash(entry.master_source(), m.seed), m.total);
    let bit = 1u32.checked_shl(node).unwrap_or(0);
    Eval::of(m.nodes.value & bit != 0, m.nodes.inverted)
}

/// A unicast packet in a link-layer multicast frame becomes one for this host: all nodes get it.
fn take_for_own(skb: &mut Skb<'_>) {
    if skb.packet.link.packet_type == PacketType::Multicast
        && !skb.packet.destination().is_multicast()
    {
        skb.packet.link.packet_type = PacketType::Host;
    }
}

/// One word is hashed, as it lies in a little-endian machine's memory: of IPv6 too, where the kernel divides the number of
/// words by the size of one.
fn hash(source: IpAddr, seed: u32) -> u32 {
    let word = match source {
        IpAddr::V4(addr) => addr.to_bits(),
        IpAddr::V6(addr) => (addr.to_bits() >> 96) as u32,
    };
    jhash_1word(word.swap_bytes(), seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::Invertible;

    #[test]
    fn every_source_falls_to_one_node() {
        let mut counts = [0; 3];
        for last in 0..90 {
            let mut scene = Scene::new(tcp(1, 2, 2, &[]));
            scene.skb.packet.captured_mut()[15] = last;
            assert_eq!(
                evaluate_node(&mut scene, 7, false),
                Eval::False,
                "no connection"
            );
            scene.track();
            let hits = [1, 2, 4].map(|node| evaluate_node(&mut scene, node, false) == Eval::True);
            assert_eq!(hits.iter().filter(|hit| **hit).count(), 1);
            let inverted = evaluate_node(&mut scene, 1, true);
            assert_eq!(inverted, Eval::of(hits[0], true));
            for (count, hit) in counts.iter_mut().zip(hits) {
                *count += i32::from(hit);
            }
        }
        assert!(counts.iter().all(|count| *count > 15), "{counts:?}");
    }

    /// 10.0.0.2 to 10.0.0.17 among four nodes, as a 6.18 kernel shared them out.
    #[test]
    fn shares_are_the_kernels() {
        let nodes = [0, 0, 3, 3, 2, 2, 1, 1, 1, 2, 2, 0, 1, 1, 1, 3];
        for (last, node) in (2..).zip(nodes) {
            let source = IpAddr::from([10, 0, 0, last]);
            assert_eq!(scale(hash(source, 0xdead_beef), 4), node, "{source}");
        }
    }

    fn evaluate_node(scene: &mut Scene, value: u32, inverted: bool) -> Eval {
        let m = Cluster {
            nodes: Invertible { inverted, value },
            total: 3,
            seed: 0xdead_beef,
        };
        scene.with(|cx| evaluate(&m, cx))
    }
}
