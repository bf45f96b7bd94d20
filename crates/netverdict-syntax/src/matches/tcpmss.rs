//! `-m tcpmss`.

use netverdict_net::Protocol;
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Tcpmss};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "tcpmss",
    family: None,
    options: &[Opt::value("mss").invertible().mandatory()],
    place: Place::ANY.protocols(&[Protocol::TCP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("mss")?;
    let inverted = arg.inverted;
    let value = arg.range_u16()?;
    if value.start > value.end {
        return Err(arg.bad("a range from low to high"));
    }
    Ok(Match::Tcpmss(Tcpmss {
        mss: Invertible { inverted, value },
    }))
}
