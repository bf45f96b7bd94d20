//! `-m realm` (net/netfilter/xt_realm.c): the realm of the packet's route, that of its source in the upper 16 bits.

use netverdict_net::Family;
use netverdict_ruleset::matches::Realm;

use super::tri::unknown;
use crate::About;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Realm, cx: &MatchCx<'_, '_>) -> Eval {
    let told = cx.fact(|about| match about {
        About::Realm(realm) => Some(*realm),
        _ => None,
    });
    let wanted = m.realm.value;
    let says = |realm| Eval::of(wanted.matches(realm), m.realm.inverted);
    if let Some(realm) = told {
        return says(realm);
    }
    if !cx.host.routes_known(Family::V4) {
        return unknown("the routes' realms are not known");
    }
    if !cx.host.has_realms(Family::V4) {
        return says(0);
    }
    let own = cx.skb.way.map_or(0, |way| way.realm);
    if cx.skb.local {
        return says(own);
    }
    let low = wanted.mask & 0xffff;
    if own & low != wanted.value & low {
        return Eval::of(false, m.realm.inverted);
    }
    if wanted.mask >> 16 == 0 {
        return says(own);
    }
    unknown("the realm of the source's route is not known")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_host::{Host, HostFacts};
    use netverdict_ruleset::{Invertible, MarkMask};

    #[test]
    fn routes_without_realms_have_zero() {
        let mut scene = Scene::new(Vec::new());
        scene.host = Host::new(HostFacts {
            routes_v4: Some(Vec::new()),
            ..HostFacts::default()
        });
        for (value, mask, hit) in [(0, u32::MAX, true), (1, u32::MAX, false), (0, 0, true)] {
            for inverted in [false, true] {
                let value = MarkMask { value, mask };
                let realm = Invertible { inverted, value };
                let answer = scene.with(|cx| evaluate(&Realm { realm }, cx));
                assert_eq!(answer, Eval::of(hit, inverted));
            }
        }
    }

    #[test]
    fn without_routes_a_fact_is_needed() {
        let mut scene = Scene::new(Vec::new());
        let m = Realm {
            realm: Invertible::plain(MarkMask {
                value: 10,
                mask: u32::MAX,
            }),
        };
        assert!(matches!(
            scene.with(|cx| evaluate(&m, cx)),
            Eval::Unknown(_)
        ));
        scene.fact(About::Realm(10));
        assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::True);
    }
}
