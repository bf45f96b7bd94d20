//! `-m length` (net/netfilter/xt_length.c).

use netverdict_ruleset::matches::Length;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Length, cx: &MatchCx<'_, '_>) -> Eval {
    let len = cx.skb.packet.len();
    let range = m.length.value;
    let within = usize::from(range.start) <= len && len <= usize::from(range.end);
    Eval::of(within, m.length.inverted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_net::PortRange;
    use netverdict_ruleset::Invertible;

    #[test]
    fn the_ip_header_counts_in_both_families() {
        for (mut scene, len) in [
            (Scene::new(vec![0; 8]), 28),
            (Scene::v6(59, vec![0; 8]), 48),
        ] {
            for (start, end, hit) in [
                (len, len, true),
                (0, len - 1, false),
                (len + 1, 65535, false),
            ] {
                for inverted in [false, true] {
                    let value = PortRange { start, end };
                    let length = Invertible { inverted, value };
                    let answer = scene.with(|cx| evaluate(&Length { length }, cx));
                    assert_eq!(answer, Eval::of(hit, inverted));
                }
            }
        }
    }

    #[test]
    fn what_was_not_captured_counts_too() {
        let mut scene = Scene::new(vec![0; 80]);
        scene.cut(24);
        let length = Invertible::plain(PortRange::single(100));
        assert_eq!(
            scene.with(|cx| evaluate(&Length { length }, cx)),
            Eval::True
        );
    }
}
