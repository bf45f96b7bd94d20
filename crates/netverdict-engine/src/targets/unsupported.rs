//! A target that nobody models; what it does to a packet's way a fact may tell.

use std::borrow::Cow;

use netverdict_ruleset::Target;

use crate::context::{Action, TargetCx};
use crate::{About, TargetDoes};

pub(super) fn apply(target: &Target, cx: &TargetCx<'_, '_>) -> Action {
    let told = cx.fact(|about| match about {
        About::Target { name, does } if name == target.name() => Some(*does),
        _ => None,
    });
    match told {
        Some(TargetDoes::Continue) => Action::Continue,
        Some(TargetDoes::Accept) => Action::Accept,
        Some(TargetDoes::Drop) => Action::Drop(None),
        None => Action::Unknown(Cow::Owned(format!("{}: not modelled", target.name()))),
    }
}
