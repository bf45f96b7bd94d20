//! TTL and HL (xt_HL.c).

use netverdict_ruleset::targets::HopChange;

use crate::context::{Action, TargetCx};
use crate::rewrite;

pub(super) fn apply(change: HopChange, cx: &mut TargetCx<'_, '_>) -> Action {
    let before = cx.skb.packet.ttl();
    let after = change.apply(before);
    rewrite::set_ttl(&mut cx.skb.packet, after);
    cx.changed("ttl", before, after, u8::to_string);
    Action::Continue
}
