//! NFQUEUE (xt_NFQUEUE.c).

use netverdict_ruleset::targets::Nfqueue;

use crate::context::{Action, TargetCx};

/// Which queue of several takes the packet follows a hash seeded at boot; the verdict is the same.
pub(super) fn apply(target: Nfqueue, cx: &mut TargetCx<'_, '_>) -> Action {
    cx.did("NFQUEUE", || target.to_string().trim_start().to_owned());
    Action::Queue {
        bypass: target.bypass,
    }
}
