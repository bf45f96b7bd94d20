//! `-m pkttype` (net/netfilter/xt_pkttype.c).

use netverdict_net::PacketType;
use netverdict_ruleset::matches::{PacketKind, Pkttype};

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Pkttype, cx: &MatchCx<'_, '_>) -> Eval {
    let kind = match cx.skb.packet.link.packet_type {
        // A packet made here is of type host until the device's own tap relabels a copy.
        PacketType::Host | PacketType::Outgoing => Some(PacketKind::Unicast),
        PacketType::Broadcast => Some(PacketKind::Broadcast),
        PacketType::Multicast => Some(PacketKind::Multicast),
        PacketType::OtherHost => None,
    };
    Eval::of(kind == Some(m.kind.value), m.kind.inverted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;

    #[test]
    fn each_type_is_only_itself() {
        let mut scene = Scene::new(Vec::new());
        for (packet, kind) in [
            (PacketType::Host, PacketKind::Unicast),
            (PacketType::Outgoing, PacketKind::Unicast),
            (PacketType::Broadcast, PacketKind::Broadcast),
            (PacketType::Multicast, PacketKind::Multicast),
        ] {
            scene.skb.packet.link.packet_type = packet;
            for value in [
                PacketKind::Unicast,
                PacketKind::Broadcast,
                PacketKind::Multicast,
            ] {
                for inverted in [false, true] {
                    let m = Pkttype {
                        kind: Invertible { inverted, value },
                    };
                    let answer = scene.with(|cx| evaluate(&m, cx));
                    assert_eq!(answer, Eval::of(kind == value, inverted));
                }
            }
        }
    }
}
