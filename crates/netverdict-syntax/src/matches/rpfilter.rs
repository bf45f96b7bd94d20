//! `-m rpfilter`.

use netverdict_ruleset::matches::{Match, Rpfilter};
use netverdict_ruleset::{Hook, TableKind};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "rpfilter",
    family: None,
    options: &[
        Opt::flag("loose"),
        Opt::flag("validmark"),
        Opt::flag("accept-local"),
        Opt::flag("invert"),
    ],
    place: Place::ANY
        .tables(&[TableKind::Raw, TableKind::Mangle])
        .hooks(&[Hook::Prerouting]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Rpfilter(Rpfilter {
        loose: given.has("loose"),
        valid_mark: given.has("validmark"),
        accept_local: given.has("accept-local"),
        invert: given.has("invert"),
    }))
}
