//! `-m recent`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netverdict_net::Family;
use netverdict_ruleset::SideMask;
use netverdict_ruleset::matches::{Match, Recent, RecentAction};

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};

const ACTIONS: &[&str] = &["set", "rcheck", "update", "remove"];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "recent",
    family: None,
    options: &[
        Opt::flag("set").invertible().excludes(ACTIONS),
        Opt::flag("rcheck").invertible().excludes(ACTIONS),
        Opt::flag("update").invertible().excludes(ACTIONS),
        Opt::flag("remove").invertible().excludes(ACTIONS),
        Opt::value("seconds"),
        Opt::flag("reap").requires(&["seconds"]),
        Opt::value("hitcount"),
        Opt::flag("rttl").excludes(&["set", "remove"]),
        Opt::value("name"),
        Opt::flag("rsource"),
        Opt::flag("rdest"),
        Opt::value("mask"),
    ],
    place: Place::ANY,
    build,
};

/// Bytes of a name, the final NUL aside.
const NAME_MAX: usize = 199;
/// Most stamps of an entry, less one.
const HITCOUNT_MAX: u32 = 65_535;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let actions = [
        ("set", RecentAction::Set),
        ("rcheck", RecentAction::Check),
        ("update", RecentAction::Update),
        ("remove", RecentAction::Remove),
    ];
    let mut given_actions = actions
        .iter()
        .filter_map(|(id, action)| Some((given.flag(id)?, *action)));
    let (inverted, action) = given_actions
        .next()
        .ok_or_else(|| given.missing("--set, --rcheck, --update or --remove"))?;
    let recent = Recent {
        inverted,
        action,
        seconds: given
            .read("seconds", |arg| arg.number(1, u64::from(u32::MAX)))?
            .unwrap_or(0) as u32,
        reap: given.has("reap"),
        hitcount: given.read("hitcount", Arg::u32)?.unwrap_or(0),
        rttl: given.has("rttl"),
        name: given
            .read("name", |arg| arg.cut_text(0, NAME_MAX))?
            .unwrap_or_else(|| "DEFAULT".to_owned()),
        mask: SideMask(
            given
                .read("mask", Arg::host)?
                .unwrap_or(full_mask(given.family)),
        ),
        by_destination: by_destination(given),
    };
    check(given, &recent)?;
    Ok(Match::Recent(recent))
}

/// The last of `--rsource` and `--rdest`.
fn by_destination(given: &Given<'_>) -> bool {
    let mut sides = given.options.iter().rev().filter_map(|o| match o.opt.id {
        "rdest" => Some(true),
        "rsource" => Some(false),
        _ => None,
    });
    sides.next().unwrap_or(false)
}

/// What the kernel refuses (recent_mt_check).
fn check(given: &Given<'_>, recent: &Recent) -> Parsed<()> {
    let writes = matches!(recent.action, RecentAction::Set | RecentAction::Remove);
    if writes && (recent.seconds != 0 || recent.hitcount != 0 || recent.reap) {
        let message = format!(
            "`{}` takes no --seconds, --hitcount or --reap",
            recent.action.option()
        );
        return Err(given.problem(Code::Combination, message));
    }
    if recent.hitcount > HITCOUNT_MAX {
        return Err(given.problem(Code::Value, format!("--hitcount is at most {HITCOUNT_MAX}")));
    }
    if recent.name.is_empty()
        || recent.name.contains('/')
        || recent.name == "."
        || recent.name == ".."
    {
        return Err(given.problem(Code::Value, "--name must be a file name"));
    }
    Ok(())
}

const fn full_mask(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::BROADCAST),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
    }
}
