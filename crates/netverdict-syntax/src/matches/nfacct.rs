//! `-m nfacct`.

use netverdict_ruleset::matches::{Match, Nfacct};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "nfacct",
    family: None,
    options: &[Opt::value("nfacct-name").mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let name = given.required("nfacct-name")?.cut_text(1, 31)?;
    Ok(Match::Nfacct(Nfacct { name }))
}
