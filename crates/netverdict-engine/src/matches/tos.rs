//! `-m tos` (net/netfilter/xt_dscp.c).

use netverdict_ruleset::matches::Tos;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Tos, cx: &MatchCx<'_, '_>) -> Eval {
    let tos = cx.skb.packet.tos();
    Eval::of(tos & m.tos.value.mask == m.tos.value.value, m.tos.inverted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;
    use netverdict_ruleset::matches::TosMask;

    #[test]
    fn the_byte_is_compared_under_the_mask() {
        let mut v4 = Scene::new(Vec::new());
        v4.skb.packet.captured_mut()[1] = 0x13;
        let mut v6 = Scene::v6(59, Vec::new());
        v6.skb.packet.captured_mut()[..2].copy_from_slice(&[0x61, 0x30]);
        for (value, mask, hit) in [(0x10, 0x3c, true), (0x13, 0xff, true), (0x10, 0xff, false)] {
            for inverted in [false, true] {
                let value = TosMask { value, mask };
                let m = Tos {
                    tos: Invertible { inverted, value },
                };
                for scene in [&mut v4, &mut v6] {
                    assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
                }
            }
        }
    }
}
