//! `-m frag`.

use netverdict_net::Family;
use netverdict_ruleset::matches::{Frag, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "frag",
    family: Some(Family::V6),
    options: &[
        Opt::value("fragid").invertible(),
        Opt::value("fraglen").invertible(),
        Opt::flag("fragres"),
        Opt::flag("fragfirst"),
        Opt::flag("fragmore").excludes(&["fraglast"]),
        Opt::flag("fraglast").excludes(&["fragmore"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let all = Frag::default();
    Ok(Match::Frag(Frag {
        id: given.test("fragid", Arg::range_u32)?.unwrap_or(all.id),
        length: given.test("fraglen", Arg::u32)?,
        reserved: given.has("fragres"),
        first: given.has("fragfirst"),
        more: given
            .has("fragmore")
            .then_some(true)
            .or_else(|| given.has("fraglast").then_some(false)),
    }))
}
