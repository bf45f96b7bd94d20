//! `-m conntrack` and `-m state`.

use netverdict_ruleset::matches::{Conntrack, CtDirection, CtStates, CtStatuses, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "conntrack",
    family: None,
    options: &[
        Opt::value("ctstate").invertible(),
        Opt::value("ctproto").invertible(),
        Opt::value("ctorigsrc").invertible(),
        Opt::value("ctorigdst").invertible(),
        Opt::value("ctreplsrc").invertible(),
        Opt::value("ctrepldst").invertible(),
        Opt::value("ctstatus").invertible(),
        Opt::value("ctexpire").invertible(),
        Opt::value("ctorigsrcport").invertible(),
        Opt::value("ctorigdstport").invertible(),
        Opt::value("ctreplsrcport").invertible(),
        Opt::value("ctrepldstport").invertible(),
        Opt::value("ctdir"),
    ],
    place: Place::ANY,
    build,
};

/// The old name, with one option.
pub(crate) const STATE: Spec<Match> = Spec {
    name: "state",
    family: None,
    options: &[Opt::value("state").invertible().mandatory()],
    place: Place::ANY,
    build: build_state,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let ports = |arg: Arg<'_>| arg.ports(None);
    let test = Conntrack {
        is_state: false,
        states: given.test("ctstate", |arg| states(arg, true))?,
        protocol: given.test("ctproto", |arg| arg.protocol().map(|p| p.0))?,
        original_source: given.test("ctorigsrc", Arg::unmasked_net)?,
        original_destination: given.test("ctorigdst", Arg::unmasked_net)?,
        reply_source: given.test("ctreplsrc", Arg::unmasked_net)?,
        reply_destination: given.test("ctrepldst", Arg::unmasked_net)?,
        original_source_port: given.test("ctorigsrcport", ports)?,
        original_destination_port: given.test("ctorigdstport", ports)?,
        reply_source_port: given.test("ctreplsrcport", ports)?,
        reply_destination_port: given.test("ctrepldstport", ports)?,
        status: given.test("ctstatus", statuses)?,
        expire: given.test("ctexpire", Arg::range_u32)?,
        direction: given.read("ctdir", direction)?,
    };
    if test == Conntrack::default() {
        return Err(given.missing("an option"));
    }
    Ok(Match::Conntrack(Box::new(test)))
}

fn build_state(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Conntrack(Box::new(Conntrack {
        is_state: true,
        states: given.test("state", |arg| states(arg, false))?,
        ..Conntrack::default()
    })))
}

/// A comma list of states, in any case and shortened at will.
fn states(arg: Arg<'_>, with_nat: bool) -> Parsed<CtStates> {
    let known = if with_nat {
        &CtStates::NAMES[..]
    } else {
        &CtStates::NAMES[..5]
    };
    let state = |name: &str| {
        let begins = |known: &str| {
            let head = known.get(..name.len()).filter(|_| !name.is_empty());
            head.is_some_and(|head| head.eq_ignore_ascii_case(name))
        };
        let found = known.iter().find(|(known, _)| begins(known));
        found.map(|(_, state)| *state).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            arg.bad(names.join(", "))
        })
    };
    let mut states = arg.text.split(',').map(state);
    states.try_fold(CtStates(0), |all, state| Ok(all.union(state?)))
}

fn statuses(arg: Arg<'_>) -> Parsed<CtStatuses> {
    let status = |name: &str| {
        if name.eq_ignore_ascii_case("NONE") {
            return Ok(CtStatuses(0));
        }
        let found = CtStatuses::NAMES
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found
            .map(|(_, status)| *status)
            .ok_or_else(|| arg.bad("NONE, EXPECTED, SEEN_REPLY, ASSURED, CONFIRMED"))
    };
    let mut statuses = arg.text.split(',').map(status);
    statuses.try_fold(CtStatuses(0), |all, status| {
        Ok(CtStatuses(all.0 | status?.0))
    })
}

fn direction(arg: Arg<'_>) -> Parsed<CtDirection> {
    match arg.text.to_ascii_uppercase().as_str() {
        "ORIGINAL" => Ok(CtDirection::Original),
        "REPLY" => Ok(CtDirection::Reply),
        _ => Err(arg.bad("ORIGINAL or REPLY")),
    }
}
