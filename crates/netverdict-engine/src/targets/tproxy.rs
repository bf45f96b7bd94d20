//! TPROXY (xt_TPROXY.c).

use netverdict_ruleset::targets::Tproxy;

use super::mark;
use crate::Reason;
use crate::context::{Action, TargetCx};

/// With a transparent socket the packet is marked and the table accepts it; without one it is dropped. Which sockets
/// there are, no dump tells.
pub(super) fn apply(target: Tproxy, cx: &mut TargetCx<'_, '_>) -> Action {
    match cx.answer {
        None => Action::Ask {
            ways: 2,
            why: "TPROXY: no socket is known",
        },
        Some(0) => Action::Drop(Some(Reason::NoTransparentSocket)),
        Some(_) => {
            mark::set((cx.skb.mark & !target.mark_mask) ^ target.mark, cx);
            Action::Accept
        }
    }
}
