//! CLASSIFY (xt_CLASSIFY.c).

use netverdict_ruleset::targets::Classify;

use crate::context::{Action, TargetCx};

pub(super) fn apply(target: Classify, cx: &mut TargetCx<'_, '_>) -> Action {
    let before = std::mem::replace(&mut cx.skb.priority, target.priority);
    cx.changed("priority", before, target.priority, |p| {
        format!("{:x}:{:x}", p >> 16, p & 0xffff)
    });
    Action::Continue
}
