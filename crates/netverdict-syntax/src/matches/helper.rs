//! `-m helper`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Helper, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "helper",
    family: None,
    options: &[Opt::value("helper").invertible().mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("helper")?;
    let inverted = arg.inverted;
    let value = arg.cut_text(0, 29)?;
    Ok(Match::Helper(Helper {
        name: Invertible { inverted, value },
    }))
}
