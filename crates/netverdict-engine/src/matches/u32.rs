//! `-m u32` (net/netfilter/xt_u32.c).

use netverdict_net::{Beyond, Packet};
use netverdict_ruleset::matches::{U32, U32Op, U32Test};

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &U32, cx: &MatchCx<'_, '_>) -> Eval {
    let mut open = false;
    for test in &m.tests.value {
        match holds(test, &cx.skb.packet) {
            Ok(true) => {}
            Ok(false) | Err(Beyond::PacketEnd) => return Eval::of(false, m.tests.inverted),
            Err(Beyond::Captured) => open = true,
        }
    }
    if open {
        return unknown("word not captured");
    }
    Eval::of(true, m.tests.inverted)
}

fn holds(test: &U32Test, packet: &Packet<'_>) -> Result<bool, Beyond> {
    let mut base = 0u32;
    let mut word = packet.u32(test.start as usize)?;
    for &(op, number) in &test.steps {
        match op {
            U32Op::And => word &= number,
            U32Op::ShiftLeft => word = word.wrapping_shl(number),
            U32Op::ShiftRight => word = word.wrapping_shr(number),
            U32Op::At => {
                base = base.checked_add(word).ok_or(Beyond::PacketEnd)?;
                let at = u64::from(base) + u64::from(number);
                word = packet.u32(usize::try_from(at).map_err(|_| Beyond::PacketEnd)?)?;
            }
        }
    }
    Ok(test.values.iter().any(|range| range.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::{Scene, tcp};
    use netverdict_ruleset::{Interval, Invertible};

    fn test(start: u32, steps: &[(U32Op, u32)], values: &[(u32, u32)]) -> U32Test {
        let values = values.iter().map(|&(first, last)| Interval { first, last });
        U32Test {
            start,
            steps: steps.to_vec(),
            values: values.collect(),
        }
    }

    fn check(tests: Vec<U32Test>) -> Eval {
        let mut scene = Scene::new(tcp(1000, 22, 2, &[]));
        let m = |inverted| U32 {
            tests: Invertible {
                inverted,
                value: tests.clone(),
            },
        };
        let [plain, inverted] = [false, true].map(|i| scene.with(|cx| evaluate(&m(i), cx)));
        assert_ne!(plain, inverted);
        plain
    }

    #[test]
    fn words_are_read_masked_and_compared() {
        let protocol = test(6, &[(U32Op::And, 0xff)], &[(17, 17), (6, 6)]);
        assert_eq!(check(vec![protocol.clone()]), Eval::True);
        // From the IP header's length to the TCP header's ports.
        let jump = [
            (U32Op::ShiftRight, 24),
            (U32Op::And, 15),
            (U32Op::ShiftLeft, 2),
            (U32Op::At, 0),
            (U32Op::And, 0xffff),
        ];
        let port = |low, high| test(0, &jump, &[(low, high)]);
        assert_eq!(check(vec![protocol.clone(), port(20, 25)]), Eval::True);
        assert_eq!(check(vec![protocol, port(23, 25)]), Eval::False);
    }

    #[test]
    fn reads_beyond_the_packet_are_false_before_inversion() {
        let all = [(0, u32::MAX)];
        assert_eq!(check(vec![test(36, &[], &all)]), Eval::True);
        assert_eq!(check(vec![test(37, &[], &all)]), Eval::False);
        let far = [(U32Op::At, u32::MAX)];
        assert_eq!(check(vec![test(12, &far, &all)]), Eval::False);
    }

    #[test]
    fn a_word_that_was_not_captured_is_unknown_unless_another_test_fails() {
        let mut scene = Scene::new(tcp(1000, 22, 2, &[]));
        scene.cut(24);
        let mut check = |tests| {
            let tests = Invertible::plain(tests);
            scene.with(|cx| evaluate(&U32 { tests }, cx))
        };
        let cut = test(32, &[], &[(0, 9)]);
        assert!(matches!(check(vec![cut.clone()]), Eval::Unknown(_)));
        assert_eq!(check(vec![cut, test(12, &[], &[(0, 0)])]), Eval::False);
    }
}
