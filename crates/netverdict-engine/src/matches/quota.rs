//! `-m quota` (net/netfilter/xt_quota.c).

use netverdict_ruleset::matches::Quota;

use crate::context::{Eval, MatchCx};
use crate::state::Slot;

pub(crate) fn evaluate(m: &Quota, cx: &mut MatchCx<'_, '_>) -> Eval {
    let slots = &mut cx.state.rules.slots;
    let Slot::Quota(left) = slots.get(cx.slot) else {
        return Eval::of(false, m.bytes.inverted);
    };
    let rest = left.checked_sub(cx.skb.packet.len() as u64);
    // A packet that is too big empties the quota: smaller ones after it do not pass either.
    slots.set(cx.slot, Slot::Quota(rest.unwrap_or(0)));
    Eval::of(rest.is_some(), m.bytes.inverted)
}

/// A rule's own quota, full.
pub(super) fn slot(m: &Quota) -> Slot {
    Slot::Quota(m.bytes.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matches::fixture::Scene;
    use netverdict_ruleset::Invertible;

    #[test]
    fn the_first_packet_that_does_not_fit_ends_it() {
        for inverted in [false, true] {
            let bytes = Invertible {
                inverted,
                value: 200,
            };
            let m = Quota { bytes };
            let mut scene = Scene::new(vec![0; 80]);
            scene.slot = scene.state.rules.slots.add(slot(&m));
            let mut check = |len| {
                scene.skb.packet.replace(vec![0x45; len]);
                scene.with(|cx| evaluate(&m, cx))
            };
            assert_eq!(check(150), Eval::of(true, inverted));
            assert_eq!(check(51), Eval::of(false, inverted));
            assert_eq!(check(20), Eval::of(false, inverted));
        }
    }
}
