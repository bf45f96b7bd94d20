//! `-j TTL`.

use netverdict_net::Family;
use netverdict_ruleset::targets::{HopChange, Ttl};
use netverdict_ruleset::{TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

const ALL: &[&str] = &["ttl-set", "ttl-dec", "ttl-inc"];

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "TTL",
    family: Some(Family::V4),
    options: &[
        Opt::value("ttl-set").excludes(ALL),
        Opt::value("ttl-dec").excludes(ALL),
        Opt::value("ttl-inc").excludes(ALL),
    ],
    place: Place::ANY.tables(&[TableKind::Mangle]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    change(given, ["ttl-set", "ttl-dec", "ttl-inc"]).map(|change| Target::Ttl(Ttl { change }))
}

/// The one change that is given.
pub(super) fn change(given: &Given<'_>, [set, decrease, increase]: [&str; 3]) -> Parsed<HopChange> {
    if let Some(value) = given.read(set, Arg::u8)? {
        return Ok(HopChange::Set(value));
    }
    let step = |arg: Arg<'_>| arg.number(1, 255).map(|n| n as u8);
    if let Some(value) = given.read(decrease, step)? {
        return Ok(HopChange::Decrease(value));
    }
    given
        .read(increase, step)?
        .map(HopChange::Increase)
        .ok_or_else(|| given.missing(&format!("--{set}, --{decrease} or --{increase}")))
}
