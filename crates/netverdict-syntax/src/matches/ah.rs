//! `-m ah`: two extensions of one name, for IPv4 and IPv6.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::matches::{Ah, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

/// IPv4: a protocol of its own.
pub(crate) const SPEC: Spec<Match> = Spec {
    name: "ah",
    family: Some(Family::V4),
    options: &[Opt::value("ahspi").invertible()],
    place: Place::ANY.protocols(&[Protocol::AH]),
    build,
};

/// IPv6: a header somewhere in the chain.
pub(crate) const SPEC6: Spec<Match> = Spec {
    name: "ah",
    family: Some(Family::V6),
    options: &[
        Opt::value("ahspi").invertible(),
        Opt::value("ahlen").invertible(),
        Opt::flag("ahres"),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let all = Ah::default();
    // A length of 0 that is not inverted is what the kernel takes for "not given".
    let length = given.test("ahlen", Arg::u32)?;
    Ok(Match::Ah(Ah {
        spi: given.test("ahspi", Arg::range_u32)?.unwrap_or(all.spi),
        length: length.filter(|l| l.value != 0 || l.inverted),
        reserved: given.has("ahres"),
    }))
}
