//! `-m rateest` (net/netfilter/xt_rateest.c): the estimators run on the kernel's timers.

use netverdict_ruleset::matches::Rateest;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Rateest, _: &MatchCx<'_, '_>) -> Eval {
    unknown("the estimator's phase is not known")
}
