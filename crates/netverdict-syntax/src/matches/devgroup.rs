//! `-m devgroup`.

use netverdict_ruleset::MarkMask;
use netverdict_ruleset::matches::{Devgroup, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "devgroup",
    family: None,
    options: &[
        Opt::value("src-group").invertible(),
        Opt::value("dst-group").invertible(),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let group = |arg| named_mark(arg, "default");
    let groups = Devgroup {
        source: given.test("src-group", group)?,
        destination: given.test("dst-group", group)?,
    };
    if groups == Devgroup::default() {
        return Err(given.missing("--src-group or --dst-group"));
    }
    Ok(Match::Devgroup(groups))
}

/// A number, perhaps with a mask, or the one name that stands for 0.
pub(super) fn named_mark(arg: Arg<'_>, zero: &str) -> Parsed<MarkMask> {
    if arg.text == zero {
        return Ok(MarkMask {
            value: 0,
            mask: u32::MAX,
        });
    }
    arg.mark()
}
