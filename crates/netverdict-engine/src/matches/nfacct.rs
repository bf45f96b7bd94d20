//! `-m nfacct` (net/netfilter/xt_nfacct.c, nfnetlink_acct.c): counts, and asks whether the object's quota is used up.
//! Whether it has one only facts tell.

use netverdict_ruleset::matches::Nfacct;

use super::tri::unknown;
use crate::About;
use crate::context::{Eval, MatchCx};
use crate::state::{RuleState, Slot};

pub(crate) fn evaluate(m: &Nfacct, cx: &mut MatchCx<'_, '_>) -> Eval {
    let Some(place) = cx.state.rules.slots.shared(cx.slot) else {
        return unknown("the accounting object is not known");
    };
    let len = cx.skb.packet.len() as u64;
    let [packets, bytes] = cx.state.rules.accounts.count(place, len);
    let told = cx.fact(|about| match about {
        About::Nfacct { name, quota } if *name == m.name => Some(*quota),
        _ => None,
    });
    match told {
        None => unknown("the accounting object's quota is not known"),
        // Without a quota it matches everything.
        Some(None) => Eval::True,
        Some(Some(quota)) => {
            let passed = if quota.packets { packets } else { bytes };
            Eval::of(passed.saturating_add(quota.used) > quota.limit, false)
        }
    }
}

/// The place of the rule's object.
pub(super) fn slot(m: &Nfacct, rules: &mut RuleState) -> Slot {
    Slot::Shared(rules.accounts.place(&m.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NfacctQuota;
    use crate::matches::fixture::{Scene, udp};

    fn answers(quota: Option<NfacctQuota>) -> [Eval; 3] {
        let mut scene = Scene::new(udp(1, 2));
        let m = Nfacct {
            name: "web".to_owned(),
        };
        let slot = slot(&m, &mut scene.state.rules);
        scene.slot = scene.state.rules.slots.add(slot);
        let name = m.name.clone();
        scene.fact(About::Nfacct { name, quota });
        [0; 3].map(|_| scene.with(|cx| evaluate(&m, cx)))
    }

    #[test]
    fn it_matches_what_is_above_the_quota() {
        let quota = |packets, limit, used| {
            Some(NfacctQuota {
                packets,
                limit,
                used,
            })
        };
        let [no, yes] = [Eval::False, Eval::True];
        assert_eq!(answers(None), [0; 3].map(|_| yes.clone()));
        assert_eq!(
            answers(quota(true, 2, 0)),
            [no.clone(), no.clone(), yes.clone()]
        );
        // A packet has 28 bytes.
        assert_eq!(answers(quota(false, 100, 50)), [no, yes.clone(), yes]);
    }
}
