//! `-m osf`.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::matches::{Match, Osf};
use netverdict_ruleset::{Hook, Invertible};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "osf",
    family: Some(Family::V4),
    options: &[
        Opt::value("genre").invertible().mandatory(),
        Opt::value("ttl"),
        Opt::value("log"),
    ],
    place: Place::ANY
        .hooks(&[Hook::Prerouting, Hook::Input, Hook::Forward])
        .protocols(&[Protocol::TCP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let genre = given.required("genre")?;
    let level = |id: &str| given.read(id, |arg| arg.number(0, 2).map(|n| n as u32));
    Ok(Match::Osf(Osf {
        genre: Invertible {
            inverted: genre.inverted,
            value: genre.cut_text(0, 31)?,
        },
        ttl: level("ttl")?,
        log: level("log")?,
    }))
}
