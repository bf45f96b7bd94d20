//! A match that nobody models.

use std::borrow::Cow;

use netverdict_ruleset::matches::Unsupported;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(m: &Unsupported, _: &MatchCx<'_, '_>) -> Eval {
    Eval::Unknown(Cow::Owned(format!("match `{}` is not modelled", m.name)))
}
