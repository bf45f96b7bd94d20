//! `-m length`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Length, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "length",
    family: None,
    options: &[Opt::value("length").invertible().mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("length")?;
    let inverted = arg.inverted;
    let value = arg.range_u16()?;
    Ok(Match::Length(Length {
        length: Invertible { inverted, value },
    }))
}
