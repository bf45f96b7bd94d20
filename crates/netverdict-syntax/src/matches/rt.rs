//! `-m rt`.

use std::net::{IpAddr, Ipv6Addr};

use netverdict_net::Family;
use netverdict_ruleset::matches::{Match, Rt};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "rt",
    family: Some(Family::V6),
    options: &[
        Opt::value("rt-type").invertible(),
        Opt::value("rt-segsleft").invertible(),
        Opt::value("rt-len").invertible(),
        Opt::flag("rt-0-res"),
        Opt::value("rt-0-addrs"),
        Opt::flag("rt-0-not-strict"),
    ],
    place: Place::ANY,
    build,
};

/// Most addresses.
const ADDRESSES_MAX: usize = 16;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let all = Rt::default();
    let rt = Rt {
        kind: given.test("rt-type", Arg::u32)?,
        segments_left: given
            .test("rt-segsleft", Arg::range_u32)?
            .unwrap_or(all.segments_left),
        length: given.test("rt-len", Arg::u32)?,
        reserved: given.has("rt-0-res"),
        addresses: given.read("rt-0-addrs", addresses)?.unwrap_or_default(),
        not_strict: given.has("rt-0-not-strict"),
    };
    let of_type_0 = rt
        .kind
        .is_some_and(|kind| kind.value == 0 && !kind.inverted);
    if (rt.reserved || !rt.addresses.is_empty() || rt.not_strict) && !of_type_0 {
        let message = "--rt-0-res, --rt-0-addrs and --rt-0-not-strict need `--rt-type 0`";
        return Err(given.problem(Code::Combination, message));
    }
    if rt.not_strict && rt.addresses.is_empty() {
        return Err(given.problem(
            Code::Combination,
            "`--rt-0-not-strict` also requires `--rt-0-addrs`",
        ));
    }
    Ok(Match::Rt(rt))
}

fn addresses(arg: Arg<'_>) -> Parsed<Vec<Ipv6Addr>> {
    let bad = || {
        arg.bad(format!(
            "a comma list of at most {ADDRESSES_MAX} IPv6 addresses"
        ))
    };
    let address = |text| match value::address(Family::V6, text) {
        Some(IpAddr::V6(address)) => Some(address),
        _ => None,
    };
    let list: Option<Vec<_>> = arg.text.split(',').map(address).collect();
    list.filter(|list| list.len() <= ADDRESSES_MAX)
        .ok_or_else(bad)
}
