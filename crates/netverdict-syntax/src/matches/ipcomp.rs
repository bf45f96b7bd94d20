//! `-m ipcomp`.

use netverdict_net::Protocol;
use netverdict_ruleset::matches::{Ipcomp, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "ipcomp",
    family: None,
    options: &[Opt::value("ipcompspi").invertible(), Opt::flag("compres")],
    place: Place::ANY.protocols(&[Protocol::IPCOMP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let all = Ipcomp::default();
    Ok(Match::Ipcomp(Ipcomp {
        index: given
            .test("ipcompspi", Arg::range_u32)?
            .unwrap_or(all.index),
        reserved: given.has("compres"),
    }))
}
