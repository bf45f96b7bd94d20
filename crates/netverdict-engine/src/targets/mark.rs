//! MARK (xt_mark.c).

use netverdict_ruleset::targets::Mark;

use crate::context::{Action, TargetCx};

pub(super) fn apply(target: Mark, cx: &mut TargetCx<'_, '_>) -> Action {
    set(target.apply(cx.skb.mark), cx);
    Action::Continue
}

/// Writes the packet's mark.
pub(super) fn set(mark: u32, cx: &mut TargetCx<'_, '_>) {
    let before = std::mem::replace(&mut cx.skb.mark, mark);
    cx.changed("mark", before, mark, |m| format!("{m:#x}"));
}
