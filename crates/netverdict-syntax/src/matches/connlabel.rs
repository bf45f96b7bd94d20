//! `-m connlabel`.

use netverdict_ruleset::matches::{Connlabel, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "connlabel",
    family: None,
    options: &[
        Opt::value("label").invertible().mandatory(),
        Opt::flag("set"),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("label")?;
    let bit = arg.number(0, 127).map_err(|problem| {
        problem.help("names of connlabel.conf are not known here; write the bit's number")
    })?;
    Ok(Match::Connlabel(Connlabel {
        inverted: arg.inverted,
        bit: bit as u16,
        set: given.has("set"),
    }))
}
