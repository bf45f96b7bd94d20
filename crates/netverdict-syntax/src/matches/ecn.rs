//! `-m ecn`.

use netverdict_net::Protocol;
use netverdict_ruleset::matches::{Ecn, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "ecn",
    family: None,
    options: &[
        Opt::flag("ecn-tcp-cwr").invertible(),
        Opt::flag("ecn-tcp-ece").invertible(),
        Opt::value("ecn-ip-ect").invertible(),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let ecn = Ecn {
        ece: given.flag("ecn-tcp-ece").map(|inverted| !inverted),
        cwr: given.flag("ecn-tcp-cwr").map(|inverted| !inverted),
        ect: given.test("ecn-ip-ect", |arg| arg.number(0, 3).map(|n| n as u8))?,
    };
    if ecn == Ecn::default() {
        return Err(given.missing("--ecn-tcp-cwr, --ecn-tcp-ece or --ecn-ip-ect"));
    }
    if ecn.ece.is_some() || ecn.cwr.is_some() {
        given.needs_protocol(&[Protocol::TCP], "a test of TCP's ECN bits")?;
    }
    Ok(Match::Ecn(ecn))
}
