//! `-m esp` (net/netfilter/xt_esp.c).

use netverdict_ruleset::matches::Esp;

use super::tri::header;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Esp, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    match header::<8>(
        &cx.skb.packet,
        cx.param.transport_offset,
        "ESP header not captured",
    ) {
        Ok([a, b, c, d, ..]) => {
            let spi = u32::from_be_bytes([a, b, c, d]);
            Eval::of(m.spi.value.contains(spi), m.spi.inverted)
        }
        Err(answer) => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Interval, Invertible};

    #[test]
    fn the_index_lies_in_the_range() {
        let mut scene = Scene::new(vec![0, 0, 1, 0, 0, 0, 0, 0]);
        for (first, last, hit) in [(256, 256, true), (0, 255, false), (300, 200, false)] {
            for inverted in [false, true] {
                let value = Interval { first, last };
                let spi = Invertible { inverted, value };
                assert_eq!(
                    scene.with(|cx| evaluate(&Esp { spi }, cx)),
                    Eval::of(hit, inverted)
                );
            }
        }
    }

    #[test]
    fn seven_bytes_drop_and_later_fragments_fail() {
        let mut scene = Scene::new(vec![0; 7]);
        assert_eq!(
            scene.with(|cx| evaluate(&Esp::default(), cx)),
            Eval::Hotdrop(false)
        );
        scene.param.fragment_offset = 1;
        assert_eq!(scene.with(|cx| evaluate(&Esp::default(), cx)), Eval::False);
    }
}
