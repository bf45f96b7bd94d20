//! `-m udp`.

use netverdict_net::{PortRange, Protocol};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Udp};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "udp",
    family: None,
    options: &[
        Opt::value("sport").invertible(),
        Opt::value("source-port").alias_of("sport").invertible(),
        Opt::value("dport").invertible(),
        Opt::value("destination-port")
            .alias_of("dport")
            .invertible(),
    ],
    place: Place::ANY.protocols(&[Protocol::UDP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let any = Invertible::plain(PortRange::ANY);
    Ok(Match::Udp(Udp {
        source: given.test("sport", |arg| arg.ports(None))?.unwrap_or(any),
        destination: given.test("dport", |arg| arg.ports(None))?.unwrap_or(any),
    }))
}
