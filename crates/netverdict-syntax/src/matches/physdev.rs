//! `-m physdev`.

use netverdict_ruleset::matches::{Match, Physdev};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "physdev",
    family: None,
    options: &[
        Opt::value("physdev-in").invertible(),
        Opt::value("physdev-out").invertible(),
        Opt::flag("physdev-is-in").invertible(),
        Opt::flag("physdev-is-out").invertible(),
        Opt::flag("physdev-is-bridged").invertible(),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let ports = Physdev {
        is_in: given.flag("physdev-is-in"),
        input: given.test("physdev-in", Arg::interface)?,
        is_out: given.flag("physdev-is-out"),
        output: given.test("physdev-out", Arg::interface)?,
        is_bridged: given.flag("physdev-is-bridged"),
    };
    if ports == Physdev::default() {
        return Err(given.missing("an option"));
    }
    Ok(Match::Physdev(ports))
}
