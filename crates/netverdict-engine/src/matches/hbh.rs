//! `-m hbh` (net/ipv6/netfilter/ip6t_hbh.c, which serves `-m dst` too).

use netverdict_net::{Beyond, Packet, Protocol};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{ExtensionOption, Hbh};

use super::extension;
use super::tri::{absent, header};
use crate::context::{Eval, MatchCx};

const CUT: &str = "options header not captured";

pub(crate) fn evaluate(m: &Hbh, cx: &MatchCx<'_, '_>) -> Eval {
    options(&cx.skb.packet, Protocol::HOPOPTS, m.length, &m.options)
}

/// The test of a header of options, hop-by-hop or destination.
pub(super) fn options(
    packet: &Packet<'_>,
    kind: Protocol,
    length: Option<Invertible<u32>>,
    wanted: &[ExtensionOption],
) -> Eval {
    let answer = || {
        let at = extension::find(packet, kind, CUT)?.offset;
        let [_, units] = header(packet, at, CUT)?;
        let len = (u32::from(units) + 1) * 8;
        if !packet.holds(at, len as usize) {
            return Ok(Eval::Hotdrop(false));
        }
        let length = length.is_none_or(|test| test.test(|want| *want == len));
        let listed = walk(packet, at + 2, len - 2, wanted).map_err(|beyond| absent(beyond, CUT))?;
        Ok(Eval::of(length && listed, false))
    };
    answer().unwrap_or_else(|answer: Eval| answer)
}

/// Whether the options from the first on are the wanted ones; the last of them may claim more bytes than there are.
fn walk(
    packet: &Packet<'_>,
    mut at: usize,
    left: u32,
    wanted: &[ExtensionOption],
) -> Result<bool, Beyond> {
    let mut left = i64::from(left);
    for (index, want) in wanted.iter().enumerate() {
        if left < 1 || !packet.holds(at, 1) {
            return Ok(false);
        }
        let [kind] = *packet.array(at)?;
        if kind != want.kind {
            return Ok(false);
        }
        let size = if kind == 0 {
            1
        } else {
            if left < 2 || !packet.holds(at + 1, 1) {
                return Ok(false);
            }
            let [len] = *packet.array(at + 1)?;
            if want.length.is_some_and(|want| want != len) {
                return Ok(false);
            }
            i64::from(len) + 2
        };
        at += size as usize;
        left -= size;
        let more = index + 1 < wanted.len();
        if more && (at > packet.len() || left == 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;

    /// Router alert, Pad1, Pad1.
    fn scene() -> Scene {
        Scene::v6(0, vec![59, 0, 5, 2, 0, 0, 0, 0])
    }

    fn wants(list: &[(u8, Option<u8>)]) -> Hbh {
        let option = |&(kind, length): &(u8, Option<u8>)| ExtensionOption { kind, length };
        Hbh {
            length: None,
            options: list.iter().map(option).collect(),
        }
    }

    #[test]
    fn the_length_in_both_polarities() {
        for (value, hit) in [(8, true), (16, false)] {
            for inverted in [false, true] {
                let m = Hbh {
                    length: Some(Invertible { inverted, value }),
                    options: Vec::new(),
                };
                assert_eq!(scene().with(|cx| evaluate(&m, cx)), Eval::of(hit, inverted));
            }
        }
    }

    #[test]
    fn options_are_compared_in_order_from_the_first() {
        for (list, hit) in [
            (vec![(5, None)], true),
            (vec![(5, Some(2)), (0, None), (0, None)], true),
            (vec![(5, Some(3))], false),
            (vec![(0, None)], false),
            (vec![(5, None), (0, None), (0, None), (0, None)], false),
        ] {
            let m = wants(&list);
            assert_eq!(
                scene().with(|cx| evaluate(&m, cx)),
                Eval::of(hit, false),
                "{list:?}"
            );
        }
    }

    #[test]
    fn an_option_that_claims_too_much_may_only_be_the_last() {
        let mut bytes = vec![59, 0, 1, 250, 0, 0, 0, 0];
        bytes.extend([0; 300]);
        let mut scene = Scene::v6(0, bytes);
        let one = wants(&[(1, Some(250))]);
        assert_eq!(scene.with(|cx| evaluate(&one, cx)), Eval::True);
        let two = wants(&[(1, Some(250)), (0, None)]);
        assert_eq!(scene.with(|cx| evaluate(&two, cx)), Eval::False);
    }

    #[test]
    fn absent_is_false_and_too_long_drops() {
        let check = |mut scene: Scene| scene.with(|cx| evaluate(&Hbh::default(), cx));
        assert_eq!(
            check(Scene::v6(60, vec![59, 0, 5, 2, 0, 0, 0, 0])),
            Eval::False
        );
        assert_eq!(
            check(Scene::v6(0, vec![59, 1, 5, 2, 0, 0, 0, 0])),
            Eval::Hotdrop(false)
        );
        assert_eq!(check(Scene::v6(0, vec![59])), Eval::Hotdrop(false));
    }
}
