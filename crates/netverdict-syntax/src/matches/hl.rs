//! `-m hl`.

use netverdict_net::Family;
use netverdict_ruleset::matches::{Hl, Match};

use super::ttl::test;
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

const ALL: &[&str] = &["hl-eq", "hl-lt", "hl-gt"];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "hl",
    family: Some(Family::V6),
    options: &[
        Opt::value("hl-lt").excludes(ALL),
        Opt::value("hl-gt").excludes(ALL),
        Opt::value("hl-eq").invertible().excludes(ALL),
        Opt::value("hl").alias_of("hl-eq").excludes(ALL),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    test(given, ["hl-eq", "hl-lt", "hl-gt"]).map(|test| Match::Hl(Hl { test }))
}
