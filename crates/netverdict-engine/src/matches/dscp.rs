//! `-m dscp` (net/netfilter/xt_dscp.c).

use netverdict_ruleset::matches::Dscp;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Dscp, cx: &MatchCx<'_, '_>) -> Eval {
    Eval::of(cx.skb.packet.tos() >> 2 == m.dscp.value, m.dscp.inverted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;

    #[test]
    fn the_upper_six_bits_count() {
        let mut scene = Scene::new(Vec::new());
        scene.skb.packet.captured_mut()[1] = 0xbb;
        for (value, hit) in [(0x2e, true), (0x2f, false)] {
            for inverted in [false, true] {
                let dscp = Invertible { inverted, value };
                let answer = scene.with(|cx| evaluate(&Dscp { dscp }, cx));
                assert_eq!(answer, Eval::of(hit, inverted));
            }
        }
    }
}
