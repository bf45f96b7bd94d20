//! `-m eui64`.

use netverdict_net::Family;
use netverdict_ruleset::Hook;
use netverdict_ruleset::matches::{Eui64, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "eui64",
    family: Some(Family::V6),
    options: &[],
    place: Place::ANY.hooks(&[Hook::Prerouting, Hook::Input, Hook::Forward]),
    build,
};

#[expect(clippy::unnecessary_wraps, reason = "as every extension")]
fn build(_: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Eui64(Eui64))
}
