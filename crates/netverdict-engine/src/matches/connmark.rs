//! `-m connmark` (net/netfilter/xt_connmark.c).

use netverdict_ruleset::matches::Connmark;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Connmark, cx: &MatchCx<'_, '_>) -> Eval {
    let mark = cx.state.conntrack.mark(cx.skb.connection);
    // A template that a CT rule attached has mark 0.
    match mark.or(cx.skb.template.map(|_| 0)) {
        Some(mark) => Eval::of(m.mark.value.matches(mark), m.mark.inverted),
        None => Eval::False,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::{Invertible, MarkMask};

    #[test]
    fn the_connections_mark_in_both_polarities() {
        let mut scene = Scene::new(tcp(1, 2, 2, &[]));
        let m = |value, inverted| Connmark {
            mark: Invertible {
                inverted,
                value: MarkMask { value, mask: 0xff },
            },
        };
        for inverted in [false, true] {
            assert_eq!(scene.with(|cx| evaluate(&m(0, inverted), cx)), Eval::False);
        }
        scene.track();
        let connection = scene.skb.connection;
        scene.state.conntrack.set_mark(connection, 0x1234);
        for inverted in [false, true] {
            let yes = scene.with(|cx| evaluate(&m(0x34, inverted), cx));
            assert_eq!(yes, Eval::of(true, inverted));
            let no = scene.with(|cx| evaluate(&m(0x12, inverted), cx));
            assert_eq!(no, Eval::of(false, inverted));
        }
    }
}
