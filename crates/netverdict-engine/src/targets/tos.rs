//! TOS (xt_DSCP.c, `tos_tg`).

use netverdict_ruleset::targets::Tos;

use crate::context::{Action, TargetCx};
use crate::rewrite;

pub(super) fn apply(target: Tos, cx: &mut TargetCx<'_, '_>) -> Action {
    set(target.apply(cx.skb.packet.tos()), cx);
    Action::Continue
}

/// Writes the TOS byte or traffic class.
pub(super) fn set(tos: u8, cx: &mut TargetCx<'_, '_>) {
    let before = cx.skb.packet.tos();
    rewrite::set_tos(&mut cx.skb.packet, tos);
    cx.changed("tos", before, tos, |t| format!("{t:#04x}"));
}
