//! `-m esp`.

use netverdict_net::Protocol;
use netverdict_ruleset::matches::{Esp, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "esp",
    family: None,
    options: &[Opt::value("espspi").invertible()],
    place: Place::ANY.protocols(&[Protocol::ESP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let spi = given.test("espspi", Arg::range_u32)?;
    Ok(Match::Esp(spi.map_or_else(Esp::default, |spi| Esp { spi })))
}
