//! `-m ipv6header`.

use netverdict_net::Family;
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Ipv6Headers, Ipv6header, Match};
use netverdict_ruleset::protocol;

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

/// Names that only this match knows, and header numbers.
const NAMES: &[(&str, u8)] = &[
    ("hop-by-hop", 0),
    ("hop", 0),
    ("0", 0),
    ("dst", 60),
    ("60", 60),
    ("route", 43),
    ("43", 43),
    ("frag", 44),
    ("44", 44),
    ("auth", 51),
    ("51", 51),
    ("50", 50),
    ("none", 59),
    ("59", 59),
    ("protocol", 255),
    ("prot", 255),
    ("255", 255),
];

/// The set's bit of each header number.
const BITS: &[(u8, Ipv6Headers)] = &[
    (0, Ipv6Headers::HOP_BY_HOP),
    (60, Ipv6Headers::DESTINATION),
    (43, Ipv6Headers::ROUTING),
    (44, Ipv6Headers::FRAGMENT),
    (51, Ipv6Headers::AUTHENTICATION),
    (50, Ipv6Headers::ENCRYPTED),
    (59, Ipv6Headers::NO_NEXT),
    (255, Ipv6Headers::PROTOCOL),
];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "ipv6header",
    family: Some(Family::V6),
    options: &[
        Opt::value("header").invertible().mandatory(),
        Opt::flag("soft"),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("header")?;
    let headers = Invertible {
        inverted: arg.inverted,
        value: headers(arg)?,
    };
    let soft = given.has("soft");
    Ok(Match::Ipv6header(Ipv6header { headers, soft }))
}

fn headers(arg: Arg<'_>) -> Parsed<Ipv6Headers> {
    let mut bits = arg.text.split(',').map(|name| {
        header(name)
            .ok_or_else(|| arg.bad("a comma list of hop, dst, route, frag, auth, esp, none, proto"))
    });
    bits.try_fold(Ipv6Headers(0), |all, bit| Ok(Ipv6Headers(all.0 | bit?.0)))
}

fn header(name: &str) -> Option<Ipv6Headers> {
    let own = NAMES
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, number)| *number);
    let number = protocol::from_name(name).map(|p| p.0).or(own)?;
    let bit = BITS.iter().find(|(n, _)| *n == number);
    bit.map(|(_, bit)| *bit)
}
