//! `-m iprange` (net/netfilter/xt_iprange.c).

use netverdict_ruleset::matches::Iprange;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Iprange, cx: &MatchCx<'_, '_>) -> Eval {
    let packet = &cx.skb.packet;
    let source = m
        .source
        .is_none_or(|test| test.test(|range| range.contains(packet.source())));
    let destination = || {
        m.destination
            .is_none_or(|test| test.test(|range| range.contains(packet.destination())))
    };
    Eval::of(source && destination(), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_net::AddrRange;
    use netverdict_ruleset::Invertible;

    fn range(first: [u8; 4], last: [u8; 4], inverted: bool) -> Option<Invertible<AddrRange>> {
        let value = AddrRange {
            start: first.into(),
            end: last.into(),
        };
        Some(Invertible { inverted, value })
    }

    #[test]
    fn both_ends_belong_and_each_side_inverts_alone() {
        let mut scene = Scene::new(Vec::new());
        let mut check = |source, destination| {
            let m = Iprange {
                source,
                destination,
            };
            scene.with(|cx| evaluate(&m, cx))
        };
        let at = [192, 0, 2, 1];
        assert_eq!(check(range(at, at, false), None), Eval::True);
        assert_eq!(check(range(at, at, true), None), Eval::False);
        assert_eq!(
            check(range([192, 0, 2, 2], [192, 0, 2, 9], false), None),
            Eval::False
        );
        let to = range([198, 51, 100, 0], [198, 51, 100, 255], false);
        assert_eq!(check(range(at, at, false), to), Eval::True);
        assert_eq!(check(range(at, at, true), to), Eval::False);
        assert_eq!(
            check(None, range([10, 0, 0, 0], [10, 0, 0, 9], true)),
            Eval::True
        );
    }
}
