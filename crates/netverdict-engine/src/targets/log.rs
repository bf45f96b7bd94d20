//! Targets that only write something down: LOG, NFLOG, AUDIT, TRACE.

use netverdict_ruleset::targets::{Audit, Log, Nflog};

use crate::context::{Action, TargetCx};

pub(super) fn log(target: &Log, cx: &mut TargetCx<'_, '_>) -> Action {
    cx.did("LOG", || format!("\"{}\"", target.prefix));
    Action::Continue
}

pub(super) fn nflog(target: &Nflog, cx: &mut TargetCx<'_, '_>) -> Action {
    cx.did("NFLOG", || {
        format!("group {} \"{}\"", target.group, target.prefix)
    });
    Action::Continue
}

pub(super) fn audit(target: Audit, cx: &mut TargetCx<'_, '_>) -> Action {
    cx.did("AUDIT", || target.to_string().trim_start().to_owned());
    Action::Continue
}

pub(super) fn trace(cx: &mut TargetCx<'_, '_>) -> Action {
    cx.skb.traced = true;
    cx.did("TRACE", || "traced from here on".to_owned());
    Action::Continue
}
