//! `-m set`, and how rules name sets.

use netverdict_ruleset::matches::{Match, Set, SetCounterTest, SetReference, SetSide};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

const PACKETS: &[&str] = &["packets-eq", "packets-lt", "packets-gt"];
const BYTES: &[&str] = &["bytes-eq", "bytes-lt", "bytes-gt"];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "set",
    family: None,
    options: &[
        Opt::pair("match-set").invertible(),
        Opt::pair("set").alias_of("match-set").invertible(),
        Opt::flag("return-nomatch"),
        Opt::flag("update-counters").invertible(),
        Opt::flag("update-subcounters").invertible(),
        Opt::value("packets-eq").invertible().excludes(PACKETS),
        Opt::value("packets-lt").excludes(PACKETS),
        Opt::value("packets-gt").excludes(PACKETS),
        Opt::value("bytes-eq").invertible().excludes(BYTES),
        Opt::value("bytes-lt").excludes(BYTES),
        Opt::value("bytes-gt").excludes(BYTES),
    ],
    place: Place::ANY,
    build,
};

/// Bytes of a set's name, the final NUL aside.
const NAME_MAX: usize = 31;
/// Most dimensions.
const SIDES_MAX: usize = 6;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given
        .arg("match-set")
        .ok_or_else(|| given.missing("--match-set"))?;
    Ok(Match::Set(Set {
        inverted: arg.inverted,
        reference: reference(arg, given.second("match-set"))?,
        return_nomatch: given.has("return-nomatch"),
        update_counters: given.flag("update-counters") != Some(true),
        update_subcounters: given.flag("update-subcounters") != Some(true),
        packets: counter(given, PACKETS)?,
        bytes: counter(given, BYTES)?,
    }))
}

/// A set's name and the sides of its dimensions.
pub(crate) fn reference(name: Arg<'_>, sides: Option<Arg<'_>>) -> Parsed<SetReference> {
    let sides =
        sides.ok_or_else(|| name.bad("a set's name and `src` or `dst` for each dimension"))?;
    let list: Parsed<Vec<_>> = sides
        .text
        .split(',')
        .map(|text| side(sides, text))
        .collect();
    let list = list?;
    if list.len() > SIDES_MAX {
        return Err(sides.bad(format!("at most {SIDES_MAX} sides")));
    }
    Ok(SetReference {
        name: name.text(1, NAME_MAX)?,
        sides: list,
    })
}

fn side(arg: Arg<'_>, text: &str) -> Parsed<SetSide> {
    // Only the first letters count, as in libxt_set.
    if text.starts_with("src") {
        Ok(SetSide::Source)
    } else if text.starts_with("dst") {
        Ok(SetSide::Destination)
    } else {
        Err(arg.bad("a comma list of `src` and `dst`"))
    }
}

fn counter(given: &Given<'_>, ids: &[&str]) -> Parsed<Option<SetCounterTest>> {
    for id in ids {
        let Some(arg) = given.arg(id) else { continue };
        let value = arg.u64()?;
        return Ok(Some(match (id.rsplit('-').next(), arg.inverted) {
            (Some("eq"), false) => SetCounterTest::Equal(value),
            (Some("eq"), true) => SetCounterTest::NotEqual(value),
            (Some("lt"), _) => SetCounterTest::Less(value),
            _ => SetCounterTest::Greater(value),
        }));
    }
    Ok(None)
}
