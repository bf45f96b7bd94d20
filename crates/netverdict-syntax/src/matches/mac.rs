//! `-m mac`.

use netverdict_ruleset::matches::{Mac, Match};
use netverdict_ruleset::{Hook, Invertible};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "mac",
    family: None,
    options: &[Opt::value("mac-source").invertible().mandatory()],
    place: Place::ANY.hooks(&[Hook::Prerouting, Hook::Input, Hook::Forward]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("mac-source")?;
    let inverted = arg.inverted;
    let value = arg.mac()?;
    Ok(Match::Mac(Mac {
        source: Invertible { inverted, value },
    }))
}
