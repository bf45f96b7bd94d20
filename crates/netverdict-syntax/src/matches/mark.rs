//! `-m mark`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Mark, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "mark",
    family: None,
    options: &[Opt::value("mark").invertible().mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("mark")?;
    let inverted = arg.inverted;
    let value = arg.mark()?;
    Ok(Match::Mark(Mark {
        mark: Invertible { inverted, value },
    }))
}
