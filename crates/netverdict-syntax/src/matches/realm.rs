//! `-m realm`.

use netverdict_net::Family;
use netverdict_ruleset::matches::{Match, Realm};
use netverdict_ruleset::{Hook, Invertible};

use super::devgroup::named_mark;
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "realm",
    family: Some(Family::V4),
    options: &[Opt::value("realm").invertible().mandatory()],
    place: Place::ANY.hooks(&[Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("realm")?;
    let inverted = arg.inverted;
    let value = named_mark(arg, "cosmos")?;
    Ok(Match::Realm(Realm {
        realm: Invertible { inverted, value },
    }))
}
