//! CT and NOTRACK (xt_CT.c).

use netverdict_ruleset::targets::Ct;

use crate::Connection;
use crate::conntrack::models_helper;
use crate::context::{Action, Note, TargetCx};

const NOT_MODELLED: &str =
    "CT: the helper is not modelled: what it would expect is NEW here, what it would drop passes";

const NO_POLICY: &str =
    "CT: what the timeout policy holds is not known: the host's timeouts count [nfct-timeout]";

/// Attaches the rule's template; the first rule that attached something keeps its say.
pub(super) fn apply(target: &Ct, cx: &mut TargetCx<'_, '_>) -> Action {
    if target.notrack {
        return untrack(cx);
    }
    if is_free(cx) {
        cx.skb.template = Some(cx.slot as u32);
        cx.did("CT", || "template attached".to_owned());
        if let Some(name) = &target.helper
            && !models_helper(name)
        {
            cx.notes.push(Note::Lacks(NOT_MODELLED));
            cx.did("CT", || format!("helper `{name}` is not modelled"));
        }
        let template = cx.state.conntrack.template(cx.slot as u32);
        if template.is_some_and(|t| t.timeout.is_some() && t.policy.is_none()) {
            cx.notes.push(Note::Lacks(NO_POLICY));
        }
    }
    Action::Continue
}

/// The packet is not tracked.
pub(super) fn untrack(cx: &mut TargetCx<'_, '_>) -> Action {
    if is_free(cx) {
        cx.skb.connection = Connection::Untracked;
        cx.did("NOTRACK", || "untracked".to_owned());
    }
    Action::Continue
}

/// A packet looped back has its connection already.
fn is_free(cx: &TargetCx<'_, '_>) -> bool {
    cx.skb.connection == Connection::None && cx.skb.template.is_none() && !cx.skb.answers_untracked
}
