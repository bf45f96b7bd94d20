//! `-m mark` (net/netfilter/xt_mark.c).

use netverdict_ruleset::matches::Mark;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Mark, cx: &MatchCx<'_, '_>) -> Eval {
    Eval::of(m.mark.value.matches(cx.skb.mark), m.mark.inverted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Invertible, MarkMask};

    #[test]
    fn the_mask_applies_to_the_packet_alone() {
        let mut scene = Scene::new(Vec::new());
        scene.skb.mark = 0x1234;
        for (value, mask, hit) in [
            (0x1234, u32::MAX, true),
            (0x34, 0xff, true),
            (0x34, 0xffff, false),
            (0x134, 0xff, false),
            (0, 0, true),
        ] {
            for inverted in [false, true] {
                let value = MarkMask { value, mask };
                let mark = Invertible { inverted, value };
                let answer = scene.with(|cx| evaluate(&Mark { mark }, cx));
                assert_eq!(answer, Eval::of(hit, inverted));
            }
        }
    }
}
