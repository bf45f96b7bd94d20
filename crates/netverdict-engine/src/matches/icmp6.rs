//! `-m icmp6` (`icmp6_match` of net/ipv6/netfilter/ip6_tables.c).

use netverdict_ruleset::matches::Icmp6;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Icmp6, cx: &MatchCx<'_, '_>) -> Eval {
    super::icmp::test(&m.test, cx, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::matches::IcmpTest;
    use netverdict_ruleset::{Interval, Invertible};

    #[test]
    fn type_255_is_just_that_type() {
        let m = |kind, inverted| Icmp6 {
            test: Invertible {
                inverted,
                value: IcmpTest {
                    kind,
                    codes: Interval::<u8>::ANY,
                },
            },
        };
        let mut scene = Scene::v6(58, vec![128, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(scene.with(|cx| evaluate(&m(255, false), cx)), Eval::False);
        assert_eq!(scene.with(|cx| evaluate(&m(255, true), cx)), Eval::True);
        assert_eq!(scene.with(|cx| evaluate(&m(128, false), cx)), Eval::True);
        assert_eq!(scene.with(|cx| evaluate(&m(128, true), cx)), Eval::False);
    }
}
