//! `-m connlimit`.

use netverdict_ruleset::matches::{Connlimit, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::masked;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "connlimit",
    family: None,
    options: &[
        Opt::value("connlimit-upto")
            .invertible()
            .excludes(&["connlimit-above"]),
        Opt::value("connlimit-above")
            .invertible()
            .excludes(&["connlimit-upto"]),
        Opt::value("connlimit-mask"),
        Opt::flag("connlimit-saddr").excludes(&["connlimit-daddr"]),
        Opt::flag("connlimit-daddr").excludes(&["connlimit-saddr"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let upto = given.arg("connlimit-upto");
    let above = given.arg("connlimit-above");
    let arg = upto
        .or(above)
        .ok_or_else(|| given.missing("--connlimit-above or --connlimit-upto"))?;
    Ok(Match::Connlimit(Connlimit {
        above: above.is_some() != arg.inverted,
        limit: arg.u32()?,
        prefix_len: given
            .read("connlimit-mask", prefix_len)?
            .unwrap_or(given.family.bits()),
        by_destination: given.has("connlimit-daddr"),
    }))
}

fn prefix_len(arg: Arg<'_>) -> Parsed<u8> {
    let mask = arg.mask()?;
    Ok(masked(mask, mask).prefix_len().unwrap_or(arg.family.bits()))
}
