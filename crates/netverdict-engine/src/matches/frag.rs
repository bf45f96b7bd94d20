//! `-m frag` (net/ipv6/netfilter/ip6t_frag.c). `--fraglen` is parsed by the kernel and never tested.

use netverdict_net::Protocol;
use netverdict_ruleset::matches::Frag;

use super::extension;
use super::tri::header;
use crate::context::{Eval, MatchCx};

const CUT: &str = "fragment header not captured";

pub(crate) fn evaluate(m: &Frag, cx: &MatchCx<'_, '_>) -> Eval {
    answer(m, cx).unwrap_or_else(|answer| answer)
}

fn answer(m: &Frag, cx: &MatchCx<'_, '_>) -> Result<Eval, Eval> {
    let packet = &cx.skb.packet;
    let found = extension::find(packet, Protocol::FRAGMENT, CUT)?;
    let [_, reserved, high, low, a, b, c, d] = header(packet, found.offset, CUT)?;
    let word = u16::from_be_bytes([high, low]);
    let id = u32::from_be_bytes([a, b, c, d]);
    let holds = m.id.test(|range| range.contains(id))
        && (!m.reserved || (reserved == 0 && word & 6 == 0))
        && (!m.first || word & 0xfff8 == 0)
        && m.more.is_none_or(|more| (word & 1 == 1) == more);
    Ok(Eval::of(holds, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Interval, Invertible};

    fn scene(word: u16) -> Scene {
        let [high, low] = word.to_be_bytes();
        Scene::v6(
            44,
            vec![17, 0, high, low, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
        )
    }

    fn check(m: &Frag, word: u16) -> Eval {
        scene(word).with(|cx| evaluate(m, cx))
    }

    #[test]
    fn the_id_in_both_polarities() {
        for (id, hit) in [(9, true), (8, false)] {
            for inverted in [false, true] {
                let value = Interval::single(id);
                let m = Frag {
                    id: Invertible { inverted, value },
                    ..Frag::default()
                };
                assert_eq!(check(&m, 1), Eval::of(hit, inverted));
            }
        }
    }

    #[test]
    fn flags_of_first_middle_and_last_fragments() {
        let (first, middle, last) = (1, 8 << 3 | 1, 8 << 3);
        let is_first = Frag {
            first: true,
            ..Frag::default()
        };
        let more = |more| Frag {
            more: Some(more),
            ..Frag::default()
        };
        for (word, hits) in [
            (first, [true, true, false]),
            (middle, [false, true, false]),
            (last, [false, false, true]),
        ] {
            for (m, hit) in [&is_first, &more(true), &more(false)].into_iter().zip(hits) {
                assert_eq!(check(m, word), Eval::of(hit, false), "{word} {m:?}");
            }
        }
        let reserved = Frag {
            reserved: true,
            ..Frag::default()
        };
        assert_eq!(check(&reserved, 1), Eval::True);
        assert_eq!(check(&reserved, 1 | 2), Eval::False);
    }

    #[test]
    fn no_fragment_header_is_false_and_a_broken_one_drops() {
        let mut none = Scene::v6(17, vec![0; 8]);
        assert_eq!(none.with(|cx| evaluate(&Frag::default(), cx)), Eval::False);
        let mut short = Scene::v6(44, vec![17, 0, 0, 1, 0, 0, 0]);
        assert_eq!(
            short.with(|cx| evaluate(&Frag::default(), cx)),
            Eval::Hotdrop(false)
        );
        let mut cut = scene(1);
        cut.cut(44);
        assert!(matches!(
            cut.with(|cx| evaluate(&Frag::default(), cx)),
            Eval::Unknown(_)
        ));
    }
}
