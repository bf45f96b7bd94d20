//! `-m comment`: always true.

use netverdict_ruleset::matches::Comment;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Comment, _: &MatchCx<'_, '_>) -> Eval {
    Eval::True
}
