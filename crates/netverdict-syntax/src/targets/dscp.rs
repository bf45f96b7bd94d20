//! `-j DSCP`.

use netverdict_ruleset::targets::Dscp;
use netverdict_ruleset::{TableKind, Target};

use crate::matches::dscp::class;
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "DSCP",
    family: None,
    options: &[
        Opt::value("set-dscp").excludes(&["set-dscp-class"]),
        Opt::value("set-dscp-class").excludes(&["set-dscp"]),
    ],
    place: Place::ANY.tables(&[TableKind::Mangle]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let number = given.read("set-dscp", |arg| arg.number(0, 63).map(|n| n as u8))?;
    let class = given.read("set-dscp-class", class)?;
    let dscp = number
        .or(class)
        .ok_or_else(|| given.missing("--set-dscp or --set-dscp-class"))?;
    Ok(Target::Dscp(Dscp { dscp }))
}
