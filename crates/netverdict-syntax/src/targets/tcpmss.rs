//! `-j TCPMSS`.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Tcpmss;

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "TCPMSS",
    family: None,
    options: &[Opt::value("set-mss"), Opt::flag("clamp-mss-to-pmtu")],
    place: Place::ANY.protocols(&[Protocol::TCP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let max = match given.family {
        Family::V4 => 65535 - 20,
        Family::V6 => 65535 - 40,
    };
    // Both may be given: the last one counts.
    let last = given.options.last().map(|o| o.opt.id);
    if last == Some("clamp-mss-to-pmtu") {
        return Ok(Target::Tcpmss(Tcpmss::ClampToPmtu));
    }
    given
        .read("set-mss", |arg| arg.number(0, max))?
        .map(|mss| Target::Tcpmss(Tcpmss::Set(mss as u16)))
        .ok_or_else(|| given.missing("--set-mss or --clamp-mss-to-pmtu"))
}
