//! `-m policy` (net/netfilter/xt_policy.c) on a host without IPsec: no input gives its associations.

use netverdict_ruleset::matches::Policy;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Policy, _: &MatchCx<'_, '_>) -> Eval {
    Eval::of(!m.ipsec, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::matches::PolicyDirection;

    #[test]
    fn only_none_matches() {
        let mut scene = Scene::new(Vec::new());
        for direction in [PolicyDirection::In, PolicyDirection::Out] {
            for ipsec in [false, true] {
                let m = Policy {
                    direction,
                    ipsec,
                    strict: false,
                    elements: Vec::new(),
                };
                assert_eq!(scene.with(|cx| evaluate(&m, cx)), Eval::of(!ipsec, false));
            }
        }
    }
}
