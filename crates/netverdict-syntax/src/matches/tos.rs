//! `-m tos`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Tos};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "tos",
    family: None,
    options: &[Opt::value("tos").invertible().mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("tos")?;
    let inverted = arg.inverted;
    let value = arg.tos(0x3f)?;
    Ok(Match::Tos(Tos {
        tos: Invertible { inverted, value },
    }))
}
