//! `-j CONNSECMARK`.

use netverdict_ruleset::targets::Connsecmark;
use netverdict_ruleset::{TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "CONNSECMARK",
    family: None,
    options: &[
        Opt::flag("save").excludes(&["restore"]),
        Opt::flag("restore").excludes(&["save"]),
    ],
    place: Place::ANY.tables(&[TableKind::Mangle, TableKind::Security]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    if given.has("save") {
        Ok(Target::Connsecmark(Connsecmark::Save))
    } else if given.has("restore") {
        Ok(Target::Connsecmark(Connsecmark::Restore))
    } else {
        Err(given.missing("--save or --restore"))
    }
}
