//! `-m dscp`, and the names of code points.

use netverdict_ruleset::matches::{Dscp, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

/// Names of code points.
const CLASSES: &[(&str, u8)] = &[
    ("CS0", 0x00),
    ("CS1", 0x08),
    ("CS2", 0x10),
    ("CS3", 0x18),
    ("CS4", 0x20),
    ("CS5", 0x28),
    ("CS6", 0x30),
    ("CS7", 0x38),
    ("BE", 0x00),
    ("AF11", 0x0a),
    ("AF12", 0x0c),
    ("AF13", 0x0e),
    ("AF21", 0x12),
    ("AF22", 0x14),
    ("AF23", 0x16),
    ("AF31", 0x1a),
    ("AF32", 0x1c),
    ("AF33", 0x1e),
    ("AF41", 0x22),
    ("AF42", 0x24),
    ("AF43", 0x26),
    ("EF", 0x2e),
];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "dscp",
    family: None,
    options: &[
        Opt::value("dscp").invertible().excludes(&["dscp-class"]),
        Opt::value("dscp-class").invertible().excludes(&["dscp"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let number = given.test("dscp", |arg| arg.number(0, 63).map(|n| n as u8))?;
    let class = given.test("dscp-class", class)?;
    number
        .or(class)
        .map(|dscp| Match::Dscp(Dscp { dscp }))
        .ok_or_else(|| given.missing("--dscp or --dscp-class"))
}

/// A code point by name.
pub(crate) fn class(arg: Arg<'_>) -> Parsed<u8> {
    let found = CLASSES
        .iter()
        .find(|(name, _)| arg.text.eq_ignore_ascii_case(name));
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| arg.bad("CS0 to CS7, BE, AF11 to AF43 or EF"))
}
