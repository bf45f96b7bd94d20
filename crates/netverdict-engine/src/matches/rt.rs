//! `-m rt` (net/ipv6/netfilter/ip6t_rt.c).

use std::net::Ipv6Addr;

use netverdict_net::{Packet, Protocol};
use netverdict_ruleset::matches::Rt;

use super::extension;
use super::tri::{absent, header, hotdrop};
use crate::context::{Eval, MatchCx};

const CUT: &str = "routing header not captured";

pub(crate) fn evaluate(m: &Rt, cx: &MatchCx<'_, '_>) -> Eval {
    answer(m, &cx.skb.packet).unwrap_or_else(|answer| answer)
}

fn answer(m: &Rt, packet: &Packet<'_>) -> Result<Eval, Eval> {
    let at = extension::find(packet, Protocol::ROUTING, CUT)?.offset;
    let [_, len, kind, left] = header(packet, at, CUT)?;
    let len = (usize::from(len) + 1) * 8;
    if !packet.holds(at, len) {
        return Ok(Eval::Hotdrop(false));
    }
    let holds = m
        .segments_left
        .test(|range| range.contains(u32::from(left)))
        && m.length
            .is_none_or(|test| test.test(|want| *want as usize == len))
        && m.kind
            .is_none_or(|test| test.test(|want| *want == u32::from(kind)));
    if !holds {
        return Ok(Eval::False);
    }
    if m.reserved {
        let word = packet.u32(at + 4).map_err(|beyond| hotdrop(beyond, CUT))?;
        if word != 0 {
            return Ok(Eval::False);
        }
    }
    if m.addresses.is_empty() {
        return Ok(Eval::True);
    }
    addresses(m, packet, at + 8, (len - 8) / 16)
}

/// Type 0's addresses: exactly those listed, or those in this order among others.
fn addresses(m: &Rt, packet: &Packet<'_>, at: usize, count: usize) -> Result<Eval, Eval> {
    if m.addresses.len() > count || (!m.not_strict && m.addresses.len() != count) {
        return Ok(Eval::False);
    }
    let mut wanted = m.addresses.iter().peekable();
    for index in 0..count {
        let Some(next) = wanted.peek() else { break };
        let bytes = packet
            .array::<16>(at + index * 16)
            .map_err(|beyond| absent(beyond, CUT))?;
        if Ipv6Addr::from(*bytes) == **next {
            wanted.next();
        } else if !m.not_strict {
            return Ok(Eval::False);
        }
    }
    Ok(Eval::of(wanted.peek().is_none(), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Interval, Invertible};

    fn last(n: u8) -> Ipv6Addr {
        Ipv6Addr::from(u128::from(n))
    }

    /// Two addresses, ::1 and ::2, one segment left.
    fn scene() -> Scene {
        let mut bytes = vec![59, 4, 0, 1, 0, 0, 0, 0];
        for n in [1, 2] {
            bytes.extend(last(n).octets());
        }
        Scene::v6(43, bytes)
    }

    fn check(m: &Rt) -> Eval {
        scene().with(|cx| evaluate(m, cx))
    }

    #[test]
    fn fields_in_both_polarities() {
        for inverted in [false, true] {
            for (value, hit) in [(0, true), (2, false)] {
                let m = Rt {
                    kind: Some(Invertible { inverted, value }),
                    ..Rt::default()
                };
                assert_eq!(check(&m), Eval::of(hit, inverted));
            }
            for (value, hit) in [(40, true), (32, false)] {
                let m = Rt {
                    length: Some(Invertible { inverted, value }),
                    ..Rt::default()
                };
                assert_eq!(check(&m), Eval::of(hit, inverted));
            }
            for (value, hit) in [(1, true), (0, false)] {
                let value = Interval::single(value);
                let m = Rt {
                    segments_left: Invertible { inverted, value },
                    ..Rt::default()
                };
                assert_eq!(check(&m), Eval::of(hit, inverted));
            }
        }
    }

    #[test]
    fn addresses_strict_and_not() {
        let strict = |list: &[u8]| Rt {
            addresses: list.iter().map(|n| last(*n)).collect(),
            ..Rt::default()
        };
        for (list, exact, among) in [
            (vec![1, 2], true, true),
            (vec![2], false, true),
            (vec![2, 1], false, false),
            (vec![1, 2, 3], false, false),
        ] {
            assert_eq!(check(&strict(&list)), Eval::of(exact, false), "{list:?}");
            let loose = Rt {
                not_strict: true,
                ..strict(&list)
            };
            assert_eq!(check(&loose), Eval::of(among, false), "{list:?} not strict");
        }
    }

    #[test]
    fn the_reserved_word_must_be_zero() {
        let m = Rt {
            reserved: true,
            ..Rt::default()
        };
        assert_eq!(check(&m), Eval::True);
        let mut scene = scene();
        scene.skb.packet.captured_mut()[44] = 1;
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::False);
    }

    #[test]
    fn absent_is_false_and_too_long_or_truncated_drops() {
        let m = Rt::default();
        let check = |mut scene: Scene| scene.with(|cx| evaluate(&m, cx));
        assert_eq!(check(Scene::v6(17, vec![0; 8])), Eval::False);
        assert_eq!(
            check(Scene::v6(43, vec![59, 9, 0, 1, 0, 0, 0, 0])),
            Eval::Hotdrop(false)
        );
        assert_eq!(check(Scene::v6(43, vec![59, 0, 0])), Eval::Hotdrop(false));
    }
}
