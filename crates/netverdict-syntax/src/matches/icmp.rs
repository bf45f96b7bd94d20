//! `-m icmp`.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::Interval;
use netverdict_ruleset::matches::{Icmp, IcmpTest, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number_in;

/// Names of types and codes: name, type, lowest and highest code.
pub(crate) const NAMES: &[(&str, u8, u8, u8)] = &[
    ("any", 255, 0, 255),
    ("echo-reply", 0, 0, 255),
    ("pong", 0, 0, 255),
    ("destination-unreachable", 3, 0, 255),
    ("network-unreachable", 3, 0, 0),
    ("host-unreachable", 3, 1, 1),
    ("protocol-unreachable", 3, 2, 2),
    ("port-unreachable", 3, 3, 3),
    ("fragmentation-needed", 3, 4, 4),
    ("source-route-failed", 3, 5, 5),
    ("network-unknown", 3, 6, 6),
    ("host-unknown", 3, 7, 7),
    ("network-prohibited", 3, 9, 9),
    ("host-prohibited", 3, 10, 10),
    ("TOS-network-unreachable", 3, 11, 11),
    ("TOS-host-unreachable", 3, 12, 12),
    ("communication-prohibited", 3, 13, 13),
    ("host-precedence-violation", 3, 14, 14),
    ("precedence-cutoff", 3, 15, 15),
    ("source-quench", 4, 0, 255),
    ("redirect", 5, 0, 255),
    ("network-redirect", 5, 0, 0),
    ("host-redirect", 5, 1, 1),
    ("TOS-network-redirect", 5, 2, 2),
    ("TOS-host-redirect", 5, 3, 3),
    ("echo-request", 8, 0, 255),
    ("ping", 8, 0, 255),
    ("router-advertisement", 9, 0, 255),
    ("router-solicitation", 10, 0, 255),
    ("time-exceeded", 11, 0, 255),
    ("ttl-exceeded", 11, 0, 255),
    ("ttl-zero-during-transit", 11, 0, 0),
    ("ttl-zero-during-reassembly", 11, 1, 1),
    ("parameter-problem", 12, 0, 255),
    ("ip-header-bad", 12, 0, 0),
    ("required-option-missing", 12, 1, 1),
    ("timestamp-request", 13, 0, 255),
    ("timestamp-reply", 14, 0, 255),
    ("address-mask-request", 17, 0, 255),
    ("address-mask-reply", 18, 0, 255),
];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "icmp",
    family: Some(Family::V4),
    options: &[Opt::value("icmp-type").invertible().mandatory()],
    place: Place::ANY.protocols(&[Protocol::ICMP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("icmp-type")?;
    let test = given.test("icmp-type", |arg| read(arg, NAMES))?;
    test.map(|test| Match::Icmp(Icmp { test }))
        .ok_or_else(|| arg.bad("a type"))
}

/// A type by name (a prefix will do if only one name has it), or `type[/code[:code]]` in numbers.
pub(super) fn read(arg: Arg<'_>, names: &[(&str, u8, u8, u8)]) -> Parsed<IcmpTest> {
    let begins = |name: &str| {
        let head = name.get(..arg.text.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(arg.text))
    };
    let mut found = names.iter().filter(|(name, ..)| begins(name));
    match (found.next(), found.next()) {
        (Some((_, kind, first, last)), None) => Ok(IcmpTest {
            kind: *kind,
            codes: Interval {
                first: *first,
                last: *last,
            },
        }),
        (Some((a, ..)), Some((b, ..))) => Err(arg.bad(format!("one type, not `{a}` and `{b}`"))),
        (None, _) => {
            numeric(arg).ok_or_else(|| arg.bad("a type's name, or `type[/code]` in numbers"))
        }
    }
}

fn numeric(arg: Arg<'_>) -> Option<IcmpTest> {
    let byte = |text| number_in(text, 0, 255).map(|n| n as u8);
    let (kind, codes) = match arg.text.split_once('/') {
        Some((kind, codes)) => (byte(kind)?, Some(codes)),
        None => (byte(arg.text)?, None),
    };
    let codes = match codes.map(|codes| codes.split_once(':').unwrap_or((codes, codes))) {
        Some((first, last)) => Interval {
            first: byte(first)?,
            last: byte(last)?,
        },
        None => Interval::<u8>::ANY,
    };
    Some(IcmpTest { kind, codes })
}
