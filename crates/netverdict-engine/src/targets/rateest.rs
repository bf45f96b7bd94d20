//! RATEEST (xt_RATEEST.c): counts the packet in a named estimator.

use netverdict_ruleset::targets::Rateest;

use crate::compile::Load;
use crate::context::{Action, TargetCx};

pub(super) fn apply(target: &Rateest, cx: &mut TargetCx<'_, '_>) -> Action {
    let len = cx.skb.packet.len() as u64;
    let (place, now) = (cx.slot, cx.now.jiffies.0);
    cx.state.rules.estimators.count(place, len, now);
    cx.did("RATEEST", || format!("counted in {}", target.name));
    Action::Continue
}

/// The place of the rule's estimator, made if no rule before did.
pub(super) fn prepare(target: &Rateest, load: &mut Load<'_>) -> usize {
    let interval = u8::try_from(i16::from(target.interval) + 2).unwrap_or(0);
    let estimators = &mut load.state.rules.estimators;
    let place = estimators.place(&target.name);
    estimators.make(place, interval, target.ewma_log, load.config.hz);
    place
}
