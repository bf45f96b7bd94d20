//! `-m hl` (net/netfilter/xt_hl.c).

use netverdict_ruleset::matches::Hl;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Hl, cx: &MatchCx<'_, '_>) -> Eval {
    Eval::of(m.test.matches(cx.skb.packet.ttl()), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::matches::HopTest;

    #[test]
    fn the_hop_limit_is_compared() {
        let mut scene = Scene::v6(59, Vec::new());
        for (test, hit) in [
            (HopTest::Equal(64), true),
            (HopTest::NotEqual(64), false),
            (HopTest::Less(64), false),
            (HopTest::Greater(63), true),
        ] {
            let answer = scene.with(|cx| evaluate(&Hl { test }, cx));
            assert_eq!(answer, Eval::of(hit, false), "{test:?}");
        }
    }
}
