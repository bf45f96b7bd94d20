//! `-m nfacct` (net/netfilter/xt_nfacct.c): whether the object has a quota, no input tells.

use netverdict_ruleset::matches::Nfacct;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Nfacct, _: &MatchCx<'_, '_>) -> Eval {
    unknown("the accounting object is not known")
}
