//! `-j HL`.

use netverdict_net::Family;
use netverdict_ruleset::targets::Hl;
use netverdict_ruleset::{TableKind, Target};

use super::ttl::change;
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

const ALL: &[&str] = &["hl-set", "hl-dec", "hl-inc"];

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "HL",
    family: Some(Family::V6),
    options: &[
        Opt::value("hl-set").excludes(ALL),
        Opt::value("hl-dec").excludes(ALL),
        Opt::value("hl-inc").excludes(ALL),
    ],
    place: Place::ANY.tables(&[TableKind::Mangle]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    change(given, ["hl-set", "hl-dec", "hl-inc"]).map(|change| Target::Hl(Hl { change }))
}
