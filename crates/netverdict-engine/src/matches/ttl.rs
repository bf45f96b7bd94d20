//! `-m ttl` (net/netfilter/xt_hl.c).

use netverdict_ruleset::matches::Ttl;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Ttl, cx: &MatchCx<'_, '_>) -> Eval {
    Eval::of(m.test.matches(cx.skb.packet.ttl()), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::matches::HopTest;

    #[test]
    fn less_and_greater_are_strict() {
        let mut scene = Scene::new(Vec::new());
        for (test, hit) in [
            (HopTest::Equal(64), true),
            (HopTest::NotEqual(64), false),
            (HopTest::Less(64), false),
            (HopTest::Less(65), true),
            (HopTest::Greater(64), false),
            (HopTest::Greater(63), true),
        ] {
            let answer = scene.with(|cx| evaluate(&Ttl { test }, cx));
            assert_eq!(answer, Eval::of(hit, false), "{test:?}");
        }
    }
}
