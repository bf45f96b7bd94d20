//! `-m mh` (net/ipv6/netfilter/ip6t_mh.c).

use netverdict_net::Protocol;
use netverdict_ruleset::matches::Mh;

use super::tri::header;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Mh, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    let at = cx.param.transport_offset;
    match header::<6>(&cx.skb.packet, at, "mobility header not captured") {
        Ok([payload, ..]) if Protocol(payload) != Protocol::NONE => Eval::Hotdrop(false),
        Ok([_, _, kind, ..]) => Eval::of(m.kind.value.contains(kind), m.kind.inverted),
        Err(answer) => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Interval, Invertible};

    #[test]
    fn types_in_both_polarities() {
        for (first, last, hit) in [(5, 5, true), (0, 4, false), (1, 9, true)] {
            for inverted in [false, true] {
                let value = Interval { first, last };
                let m = Mh {
                    kind: Invertible { inverted, value },
                };
                let mut scene = Scene::v6(135, vec![59, 0, 5, 0, 0, 0, 0, 0]);
                assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
            }
        }
    }

    #[test]
    fn a_payload_or_a_short_header_drops() {
        for bytes in [vec![6, 0, 5, 0, 0, 0, 0, 0], vec![59, 0, 5, 0, 0]] {
            let mut scene = Scene::v6(135, bytes);
            assert_eq!(
                scene.with(|cx| evaluate(&Mh::default(), cx)),
                Eval::Hotdrop(false)
            );
        }
    }
}
