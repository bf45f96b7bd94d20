//! `-m ipvs` (net/netfilter/xt_ipvs.c): no input gives the services.

use netverdict_ruleset::matches::Ipvs;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Ipvs, _: &MatchCx<'_, '_>) -> Eval {
    unknown("the IPVS services are not known")
}
