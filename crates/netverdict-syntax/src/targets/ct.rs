//! `-j CT`.

use netverdict_ruleset::matches::CtDirection;
use netverdict_ruleset::targets::{Ct, CtEvents, CtZone, CtZoneId};
use netverdict_ruleset::{Hook, TableKind, Target};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Occurrence, Opt, Place, Spec};
use crate::value::number_in;

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "CT",
    family: None,
    options: &[
        Opt::flag("notrack"),
        Opt::value("helper"),
        Opt::value("timeout"),
        Opt::value("ctevents"),
        Opt::value("expevents"),
        Opt::value("zone-orig"),
        Opt::value("zone-reply"),
        Opt::value("zone"),
    ],
    place: Place::ANY
        .tables(&[TableKind::Raw])
        .hooks(&[Hook::Prerouting, Hook::Output]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let ct = Ct {
        notrack: given.has("notrack"),
        helper: given.read("helper", |arg| arg.cut_text(0, 15))?,
        timeout: given.read("timeout", |arg| arg.cut_text(0, 31))?,
        events: given.read("ctevents", events)?.unwrap_or_default(),
        expectation_events: given
            .read("expevents", expectation_events)?
            .unwrap_or(false),
        zone: given
            .options
            .iter()
            .rev()
            .find_map(|o| zone(given, o))
            .transpose()?,
    };
    let needs_protocol = ct.helper.is_some() || ct.timeout.is_some();
    if needs_protocol && given.protocol.is_none_or(|p| p.inverted) {
        return Err(given
            .problem(Code::Protocol, "--helper and --timeout need a protocol")
            .expected("`-p`, not inverted, in this rule"));
    }
    Ok(Target::Ct(ct))
}

fn events(arg: Arg<'_>) -> Parsed<CtEvents> {
    let bit = |name: &str| {
        let found = CtEvents::NAMES.iter().find(|(n, _)| *n == name);
        found.map(|(_, bit)| bit.0).ok_or_else(|| {
            let names: Vec<_> = CtEvents::NAMES.iter().map(|(name, _)| *name).collect();
            arg.bad(names.join(", "))
        })
    };
    let mut bits = arg.text.split(',').map(bit);
    bits.try_fold(0, |all, bit| Ok(all | bit?)).map(CtEvents)
}

fn expectation_events(arg: Arg<'_>) -> Parsed<bool> {
    arg.one_of(&[("new", true)])
}

/// The zone, if the option is one of the three for zones.
fn zone(given: &Given<'_>, occurrence: &Occurrence) -> Option<Parsed<CtZone>> {
    let direction = match occurrence.opt.id {
        "zone" => None,
        "zone-orig" => Some(CtDirection::Original),
        "zone-reply" => Some(CtDirection::Reply),
        _ => return None,
    };
    let arg = given.arg_of(occurrence, 0)?;
    let number = || number_in(arg.text, 0, 0xffff).map(|id| CtZoneId::Id(id as u16));
    let id = (arg.text == "mark")
        .then_some(CtZoneId::Mark)
        .or_else(number);
    Some(
        id.map(|id| CtZone { direction, id })
            .ok_or_else(|| arg.bad("a number from 0 to 65535 or `mark`")),
    )
}
