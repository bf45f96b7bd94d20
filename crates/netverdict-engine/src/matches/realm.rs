//! `-m realm` (net/netfilter/xt_realm.c). Routes without a realm have 0, and no input gives routes with one.

use netverdict_ruleset::matches::Realm;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Realm, _: &MatchCx<'_, '_>) -> Eval {
    Eval::of(m.realm.value.matches(0), m.realm.inverted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::{Invertible, MarkMask};

    #[test]
    fn the_realm_is_zero() {
        let mut scene = Scene::new(Vec::new());
        for (value, mask, hit) in [(0, u32::MAX, true), (1, u32::MAX, false), (0, 0, true)] {
            for inverted in [false, true] {
                let value = MarkMask { value, mask };
                let realm = Invertible { inverted, value };
                let answer = scene.with(|cx| evaluate(&Realm { realm }, cx));
                assert_eq!(answer, Eval::of(hit, inverted));
            }
        }
    }
}
