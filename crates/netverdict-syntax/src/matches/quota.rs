//! `-m quota`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Quota};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "quota",
    family: None,
    options: &[Opt::value("quota").invertible().mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("quota")?;
    let inverted = arg.inverted;
    let value = arg.u64()?;
    Ok(Match::Quota(Quota {
        bytes: Invertible { inverted, value },
    }))
}
