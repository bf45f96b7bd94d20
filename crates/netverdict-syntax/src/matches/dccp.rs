//! `-m dccp`.

use netverdict_net::Protocol;
use netverdict_ruleset::matches::{Dccp, DccpTypes, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "dccp",
    family: None,
    options: &[
        Opt::value("sport").invertible(),
        Opt::value("source-port").alias_of("sport").invertible(),
        Opt::value("dport").invertible(),
        Opt::value("destination-port")
            .alias_of("dport")
            .invertible(),
        Opt::value("dccp-types").invertible(),
        Opt::value("dccp-option").invertible(),
    ],
    place: Place::ANY.protocols(&[Protocol::DCCP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Dccp(Dccp {
        source: given.test("sport", |arg| arg.ports(None))?,
        destination: given.test("dport", |arg| arg.ports(None))?,
        types: given.test("dccp-types", types)?,
        option: given.test("dccp-option", |arg| arg.number(1, 255).map(|n| n as u8))?,
    }))
}

fn types(arg: Arg<'_>) -> Parsed<DccpTypes> {
    let bit = |name: &str| {
        let index = DccpTypes::NAMES
            .iter()
            .position(|n| n.eq_ignore_ascii_case(name));
        index
            .map(|index| 1 << index)
            .ok_or_else(|| arg.bad(DccpTypes::NAMES.join(", ")))
    };
    let mut bits = arg.text.split(',').map(bit);
    bits.try_fold(0, |all, bit| Ok(all | bit?)).map(DccpTypes)
}
