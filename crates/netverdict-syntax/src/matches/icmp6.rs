//! `-m icmp6`.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::matches::{Icmp6, Match};

use super::icmp::read;
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

/// Names of types and codes: name, type, lowest and highest code.
pub(crate) const NAMES: &[(&str, u8, u8, u8)] = &[
    ("destination-unreachable", 1, 0, 255),
    ("no-route", 1, 0, 0),
    ("communication-prohibited", 1, 1, 1),
    ("beyond-scope", 1, 2, 2),
    ("address-unreachable", 1, 3, 3),
    ("port-unreachable", 1, 4, 4),
    ("failed-policy", 1, 5, 5),
    ("reject-route", 1, 6, 6),
    ("packet-too-big", 2, 0, 255),
    ("time-exceeded", 3, 0, 255),
    ("ttl-exceeded", 3, 0, 255),
    ("ttl-zero-during-transit", 3, 0, 0),
    ("ttl-zero-during-reassembly", 3, 1, 1),
    ("parameter-problem", 4, 0, 255),
    ("bad-header", 4, 0, 0),
    ("unknown-header-type", 4, 1, 1),
    ("unknown-option", 4, 2, 2),
    ("echo-request", 128, 0, 255),
    ("ping", 128, 0, 255),
    ("echo-reply", 129, 0, 255),
    ("pong", 129, 0, 255),
    ("router-solicitation", 133, 0, 255),
    ("router-advertisement", 134, 0, 255),
    ("neighbour-solicitation", 135, 0, 255),
    ("neighbor-solicitation", 135, 0, 255),
    ("neighbour-advertisement", 136, 0, 255),
    ("neighbor-advertisement", 136, 0, 255),
    ("redirect", 137, 0, 255),
];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "icmp6",
    family: Some(Family::V6),
    options: &[Opt::value("icmpv6-type").invertible().mandatory()],
    place: Place::ANY.protocols(&[Protocol::ICMPV6]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("icmpv6-type")?;
    let test = given.test("icmpv6-type", |arg| read(arg, NAMES))?;
    test.map(|test| Match::Icmp6(Icmp6 { test }))
        .ok_or_else(|| arg.bad("a type"))
}
