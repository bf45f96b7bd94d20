//! `-m socket`.

use netverdict_ruleset::Hook;
use netverdict_ruleset::matches::{Match, Socket};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "socket",
    family: None,
    options: &[
        Opt::flag("transparent"),
        Opt::flag("nowildcard"),
        Opt::flag("restore-skmark"),
    ],
    place: Place::ANY.hooks(&[Hook::Prerouting, Hook::Input]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Socket(Socket {
        transparent: given.has("transparent"),
        no_wildcard: given.has("nowildcard"),
        restore_mark: given.has("restore-skmark"),
    }))
}
