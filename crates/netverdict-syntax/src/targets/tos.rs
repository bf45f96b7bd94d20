//! `-j TOS`.

use netverdict_ruleset::matches::TosMask;
use netverdict_ruleset::targets::Tos;
use netverdict_ruleset::{TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

const ALL: &[&str] = &["set-tos", "and-tos", "or-tos", "xor-tos"];

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "TOS",
    family: None,
    options: &[
        Opt::value("set-tos").excludes(ALL),
        Opt::value("and-tos").excludes(ALL),
        Opt::value("or-tos").excludes(ALL),
        Opt::value("xor-tos").excludes(ALL),
    ],
    place: Place::ANY.tables(&[TableKind::Mangle]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let set = given.read("set-tos", |arg| arg.tos(0x3f))?;
    let and = given.read("and-tos", Arg::u8)?.map(|bits| TosMask {
        value: 0,
        mask: !bits,
    });
    let or = given.read("or-tos", Arg::u8)?.map(|bits| TosMask {
        value: bits,
        mask: bits,
    });
    let xor = given.read("xor-tos", Arg::u8)?.map(|bits| TosMask {
        value: bits,
        mask: 0,
    });
    let set = set
        .or(and)
        .or(or)
        .or(xor)
        .ok_or_else(|| given.missing("--set-tos, --and-tos, --or-tos or --xor-tos"))?;
    Ok(Target::Tos(Tos { set }))
}
