//! `-m osf` (net/netfilter/nfnetlink_osf.c): false as long as no fingerprints are loaded, and no input gives any. The
//! kernel does not look at `!`.

use netverdict_ruleset::matches::Osf;

use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Osf, _: &MatchCx<'_, '_>) -> Eval {
    Eval::False
}
