//! `-m multiport` (net/netfilter/xt_multiport.c).

use netverdict_ruleset::matches::{Multiport, PortSide};

use super::tri::{self, Tri};
use crate::context::{Eval, MatchCx};

const CUT: &str = "ports not captured";

pub(crate) fn evaluate(m: &Multiport, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    let (packet, at) = (&cx.skb.packet, cx.param.transport_offset);
    if !packet.holds(at, 4) {
        return Eval::Hotdrop(false);
    }
    let source = || packet.u16(at).map_err(|_| CUT);
    let destination = || packet.u16(at + 2).map_err(|_| CUT);
    let listed = |port: u16| m.ports.value.iter().any(|entry| entry.contains(port));
    let hit: Tri = match m.side {
        PortSide::Source => source().map(listed),
        PortSide::Destination => destination().map(listed),
        PortSide::Either => match source().map(listed) {
            Ok(true) => Ok(true),
            first => destination().map(listed).and_then(|hit| Ok(hit || first?)),
        },
    };
    tri::eval(hit.map(|hit| hit != m.ports.inverted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, udp};
    use netverdict_net::PortRange;
    use netverdict_ruleset::Invertible;
    use netverdict_ruleset::matches::PortEntry;

    fn multiport(side: PortSide, inverted: bool) -> Multiport {
        let value = vec![
            PortEntry::Port(53),
            PortEntry::Range(PortRange {
                start: 1024,
                end: 2000,
            }),
        ];
        Multiport {
            side,
            ports: Invertible { inverted, value },
        }
    }

    #[test]
    fn any_entry_on_the_right_side_counts() {
        for (source, destination, hits) in [
            (53, 7, [true, false, true]),
            (7, 1500, [false, true, true]),
            (7, 8, [false, false, false]),
        ] {
            let sides = [PortSide::Source, PortSide::Destination, PortSide::Either];
            for (side, hit) in sides.into_iter().zip(hits) {
                for inverted in [false, true] {
                    let m = multiport(side, inverted);
                    let mut scene = Scene::new(udp(source, destination));
                    assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
                }
            }
        }
    }

    #[test]
    fn four_bytes_suffice_three_drop() {
        let m = multiport(PortSide::Either, true);
        let mut four = Scene::new(udp(7, 8)[..4].to_vec());
        assert_eq!(four.with(|cx| evaluate(&m, cx)), Eval::True);
        let mut three = Scene::new(udp(7, 8)[..3].to_vec());
        assert_eq!(three.with(|cx| evaluate(&m, cx)), Eval::Hotdrop(false));
        four.param.fragment_offset = 9;
        assert_eq!(four.with(|cx| evaluate(&m, cx)), Eval::False);
    }
}
