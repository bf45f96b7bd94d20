//! `-m mh`.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::Interval;
use netverdict_ruleset::matches::{Match, Mh};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number_in;

const NAMES: &[(&str, u8)] = &[
    ("binding-refresh-request", 0),
    ("brr", 0),
    ("home-test-init", 1),
    ("hoti", 1),
    ("careof-test-init", 2),
    ("coti", 2),
    ("home-test", 3),
    ("hot", 3),
    ("careof-test", 4),
    ("cot", 4),
    ("binding-update", 5),
    ("bu", 5),
    ("binding-acknowledgement", 6),
    ("ba", 6),
    ("binding-error", 7),
    ("be", 7),
];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "mh",
    family: Some(Family::V6),
    options: &[Opt::value("mh-type").invertible()],
    place: Place::ANY.protocols(&[Protocol::MH]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let kind = given.test("mh-type", kinds)?;
    Ok(Match::Mh(kind.map_or_else(Mh::default, |kind| Mh { kind })))
}

fn kinds(arg: Arg<'_>) -> Parsed<Interval<u8>> {
    let end = |text: &str, default| {
        let name = || {
            NAMES
                .iter()
                .find(|(name, _)| *name == text)
                .map(|(_, n)| *n)
        };
        match text {
            "" => Some(default),
            _ => number_in(text, 0, 255).map(|n| n as u8).or_else(name),
        }
    };
    let (first, last) = arg.text.split_once(':').unwrap_or((arg.text, arg.text));
    match (end(first, 0), end(last, 255)) {
        (Some(first), Some(last)) if first <= last => Ok(Interval { first, last }),
        _ => Err(arg.bad("a type or a range of types from 0 to 255, from low to high")),
    }
}
