//! `-m icmp` (`icmp_match` of net/ipv4/netfilter/ip_tables.c).

use netverdict_net::header::icmp::Icmp as Header;
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Icmp, IcmpTest};

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Icmp, cx: &MatchCx<'_, '_>) -> Eval {
    test(&m.test, cx, m.test.value.kind == IcmpTest::ANY_TYPE)
}

/// The test that both families share; `any` only IPv4 knows.
pub(super) fn test(m: &Invertible<IcmpTest>, cx: &MatchCx<'_, '_>, any: bool) -> Eval {
    if cx.param.fragment_offset != 0 {
        return Eval::False;
    }
    let Some(header) = Header::at(&cx.skb.packet, cx.param.transport_offset) else {
        return Eval::Hotdrop(false);
    };
    if any {
        return Eval::of(true, m.inverted);
    }
    match header.type_code() {
        Ok((kind, code)) => Eval::of(
            m.value.kind == kind && m.value.codes.contains(code),
            m.inverted,
        ),
        Err(_) => unknown("ICMP header not captured"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Interval;

    fn icmp(kind: u8, codes: Interval<u8>, inverted: bool) -> Icmp {
        let value = IcmpTest { kind, codes };
        Icmp {
            test: Invertible { inverted, value },
        }
    }

    fn check(m: &Icmp, message: &[u8]) -> Eval {
        Scene::new(message.to_vec()).with(|cx| evaluate(m, cx))
    }

    const PORT_UNREACHABLE: &[u8] = &[3, 3, 0, 0, 0, 0, 0, 0];

    #[test]
    fn type_and_code_are_inverted_as_a_whole() {
        let all = Interval::<u8>::ANY;
        for (m, hit) in [
            ((3, all), true),
            ((3, Interval::single(3)), true),
            ((3, Interval::single(1)), false),
            ((8, all), false),
        ] {
            let m = |inverted| icmp(m.0, m.1, inverted);
            assert_eq!(check(&m(false), PORT_UNREACHABLE), Eval::of(hit, false));
            assert_eq!(check(&m(true), PORT_UNREACHABLE), Eval::of(hit, true));
        }
    }

    #[test]
    fn any_matches_everything_and_inverted_nothing() {
        let any = |inverted| icmp(255, Interval::<u8>::ANY, inverted);
        assert_eq!(check(&any(false), PORT_UNREACHABLE), Eval::True);
        assert_eq!(check(&any(true), PORT_UNREACHABLE), Eval::False);
    }

    #[test]
    fn a_short_message_drops_and_a_later_fragment_fails() {
        let m = icmp(8, Interval::<u8>::ANY, true);
        assert_eq!(check(&m, &[8, 0, 0, 0, 0, 0, 0]), Eval::Hotdrop(false));
        let mut scene = Scene::new(PORT_UNREACHABLE.to_vec());
        scene.param.fragment_offset = 1;
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::False);
    }
}
