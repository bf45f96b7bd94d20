//! `-m ipcomp` (net/netfilter/xt_ipcomp.c).

use netverdict_ruleset::matches::Ipcomp;

use super::tri::header;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Ipcomp, cx: &MatchCx<'_, '_>) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    match header::<4>(
        &cx.skb.packet,
        cx.param.transport_offset,
        "IPComp header not captured",
    ) {
        Ok([_, _, high, low]) => {
            let index = u32::from(u16::from_be_bytes([high, low]));
            Eval::of(m.index.value.contains(index), m.index.inverted)
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
        let mut scene = Scene::new(vec![6, 0, 1, 2]);
        for (value, hit) in [(258, true), (2, false)] {
            for inverted in [false, true] {
                let value = Interval::single(value);
                let m = Ipcomp {
                    index: Invertible { inverted, value },
                    reserved: false,
                };
                assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
            }
        }
        let mut short = Scene::new(vec![6, 0, 1]);
        assert_eq!(
            short.with(|cx| evaluate(&Ipcomp::default(), cx)),
            Eval::Hotdrop(false)
        );
    }
}
