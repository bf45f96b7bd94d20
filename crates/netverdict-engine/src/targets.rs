//! What each target does to a packet: one file a target, dispatched over the closed enum.

use std::borrow::Cow;

use netverdict_ruleset::Target;

use crate::compile::Load;
use crate::context::{Action, TargetCx};

/// Makes the state that a target keeps and gives its slot; 0 for a target that keeps none.
pub(crate) fn prepare(target: &Target, load: &mut Load<'_>) -> usize {
    match target {
        Target::Ct(ct) => load.state.conntrack.add_ct_rule(ct) as usize,
        _ => 0,
    }
}

/// Lets a target work.
pub(crate) fn apply(target: &Target, cx: &mut TargetCx<'_, '_>) -> Action {
    let _ = &cx;
    match target {
        Target::Log(_) | Target::Nflog(_) => Action::Continue,
        other => Action::Unknown(Cow::Owned(format!("{}: not modelled", other.name()))),
    }
}
