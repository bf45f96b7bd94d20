//! `-m addrtype`.

use netverdict_net::Family;
use netverdict_ruleset::matches::{AddrTypes, Addrtype, AddrtypeLimit, Match};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "addrtype",
    family: None,
    options: &[
        Opt::value("src-type").invertible(),
        Opt::value("dst-type").invertible(),
        Opt::flag("limit-iface-in").excludes(&["limit-iface-out"]),
        Opt::flag("limit-iface-out").excludes(&["limit-iface-in"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let types = Addrtype {
        source: given.test("src-type", types)?,
        destination: given.test("dst-type", types)?,
        limit: if given.has("limit-iface-in") {
            Some(AddrtypeLimit::In)
        } else {
            given.has("limit-iface-out").then_some(AddrtypeLimit::Out)
        },
    };
    if types.source.is_none() && types.destination.is_none() {
        return Err(given.missing("--src-type or --dst-type"));
    }
    check_ipv6(given, &types)?;
    Ok(Match::Addrtype(types))
}

/// What the kernel has no notion of in IPv6 (addrtype_mt_checkentry_v1).
fn check_ipv6(given: &Given<'_>, types: &Addrtype) -> Parsed<()> {
    let all = types.source.map_or(0, |t| t.value.0) | types.destination.map_or(0, |t| t.value.0);
    let no_broadcast = AddrTypes::BROADCAST.0 | AddrTypes::BLACKHOLE.0;
    let refused = all & no_broadcast != 0 || all >= AddrTypes::PROHIBIT.0;
    if given.family == Family::V6 && refused {
        let message = "IPv6 knows no BROADCAST, BLACKHOLE, PROHIBIT or later types";
        return Err(given.problem(Code::Value, message));
    }
    Ok(())
}

fn types(arg: Arg<'_>) -> Parsed<AddrTypes> {
    let bit = |name: &str| {
        let index = AddrTypes::NAMES
            .iter()
            .position(|n| n.eq_ignore_ascii_case(name));
        index
            .map(|index| 1 << index)
            .ok_or_else(|| arg.bad(AddrTypes::NAMES.join(", ")))
    };
    let mut bits = arg.text.split(',').map(bit);
    bits.try_fold(0, |all, bit| Ok(all | bit?)).map(AddrTypes)
}
