//! DSCP (xt_DSCP.c).

use netverdict_ruleset::targets::Dscp;

use super::tos;
use crate::context::{Action, TargetCx};

/// The two ECN bits stay.
pub(super) fn apply(target: Dscp, cx: &mut TargetCx<'_, '_>) -> Action {
    tos::set(cx.skb.packet.tos() & 3 | target.dscp << 2, cx);
    Action::Continue
}
