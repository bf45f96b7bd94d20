//! `-m owner`.

use netverdict_ruleset::matches::{Match, Owner};
use netverdict_ruleset::{Hook, Interval};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "owner",
    family: None,
    options: &[
        Opt::value("uid-owner").invertible(),
        Opt::value("gid-owner").invertible(),
        Opt::flag("socket-exists").invertible(),
        Opt::flag("suppl-groups"),
    ],
    place: Place::ANY.hooks(&[Hook::Output, Hook::Postrouting]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let owner = Owner {
        socket_exists: given.flag("socket-exists"),
        uid: given.test("uid-owner", ids)?,
        gid: given.test("gid-owner", ids)?,
        supplementary_groups: given.has("suppl-groups"),
    };
    if owner == Owner::default() {
        return Err(given.missing("--uid-owner, --gid-owner or --socket-exists"));
    }
    let place = |id: &str| given.options.iter().position(|o| o.opt.id == id);
    if let Some(groups) = place("suppl-groups")
        && place("gid-owner").is_none_or(|gid| gid > groups)
    {
        return Err(given.missing("--gid-owner before --suppl-groups"));
    }
    Ok(Match::Owner(owner))
}

/// A number or a range of numbers; of all names, only `root` is the same everywhere.
fn ids(arg: Arg<'_>) -> Parsed<Interval<u32>> {
    if arg.text == "root" {
        return Ok(Interval::single(0));
    }
    let (first, last) = arg.text.split_once('-').unwrap_or((arg.text, arg.text));
    let id = |text| {
        number(text)
            .filter(|id| *id < u64::from(u32::MAX))
            .map(|id| id as u32)
    };
    match (id(first), id(last)) {
        (Some(first), Some(last)) if first <= last => Ok(Interval { first, last }),
        (Some(_), Some(_)) => Err(arg.bad("a range from low to high")),
        _ => Err(arg
            .bad("a number or `number-number`")
            .help("user names are not known here; write the number")),
    }
}
