//! `-j MARK`, and the ways to write a change of a mark.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Mark;

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

const ALL: &[&str] = &["set-xmark", "set-mark", "and-mark", "or-mark", "xor-mark"];

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "MARK",
    family: None,
    options: &[
        Opt::value("set-xmark").excludes(ALL),
        Opt::value("set-mark").excludes(ALL),
        Opt::value("and-mark").excludes(ALL),
        Opt::value("or-mark").excludes(ALL),
        Opt::value("xor-mark").excludes(ALL),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let (value, mask) = change(given)?.ok_or_else(|| {
        given.missing("--set-xmark, --set-mark, --and-mark, --or-mark or --xor-mark")
    })?;
    Ok(Target::Mark(Mark { value, mask }))
}

/// The change as bits to flip and bits to clear before.
pub(super) fn change(given: &Given<'_>) -> Parsed<Option<(u32, u32)>> {
    if let Some(mark) = given.read("set-xmark", Arg::mark)? {
        return Ok(Some((mark.value, mark.mask)));
    }
    if let Some(mark) = given.read("set-mark", Arg::mark)? {
        return Ok(Some((mark.value, mark.value | mark.mask)));
    }
    if let Some(bits) = given.read("and-mark", Arg::u32)? {
        return Ok(Some((0, !bits)));
    }
    if let Some(bits) = given.read("or-mark", Arg::u32)? {
        return Ok(Some((bits, bits)));
    }
    Ok(given.read("xor-mark", Arg::u32)?.map(|bits| (bits, 0)))
}
