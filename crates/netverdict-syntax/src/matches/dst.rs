//! `-m dst`.

use netverdict_net::Family;
use netverdict_ruleset::matches::{Dst, Match};

use super::hbh::options;
use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "dst",
    family: Some(Family::V6),
    options: &[Opt::value("dst-len").invertible(), Opt::value("dst-opts")],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Dst(Dst {
        length: given.test("dst-len", Arg::u32)?,
        options: given.read("dst-opts", options)?.unwrap_or_default(),
    }))
}
