//! `-m string` (net/netfilter/xt_string.c).

use netverdict_ruleset::matches::StringMatch;

use super::text::{Search, Text};
use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &StringMatch, cx: &MatchCx<'_, '_>) -> Eval {
    let text = Text {
        pattern: &m.pattern.value,
        from: usize::from(m.from),
        to: usize::from(m.to),
        ignore_case: m.ignore_case,
    };
    let packet = &cx.skb.packet;
    match text.search(packet.captured(), packet.len()) {
        Search::Found => Eval::of(true, m.pattern.inverted),
        Search::Absent => Eval::of(false, m.pattern.inverted),
        Search::NotCaptured => unknown("payload not captured"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;
    use netverdict_ruleset::matches::StringAlgorithm;

    #[test]
    fn offsets_count_from_the_ip_header() {
        let mut scene = Scene::new(b"GET /".to_vec());
        for (from, to, hit) in [(0, 65535, true), (20, 23, true), (21, 65535, false)] {
            for inverted in [false, true] {
                let value = b"GET".to_vec();
                let m = StringMatch {
                    pattern: Invertible { inverted, value },
                    algorithm: StringAlgorithm::Bm,
                    from,
                    to,
                    ignore_case: false,
                };
                assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
            }
        }
        scene.cut(22);
        let m = StringMatch {
            pattern: Invertible::plain(b"GET".to_vec()),
            algorithm: StringAlgorithm::Kmp,
            from: 0,
            to: 65535,
            ignore_case: false,
        };
        assert!(matches!(
            scene.with(|cx| evaluate(&m, cx)),
            Eval::Unknown(_)
        ));
    }
}
