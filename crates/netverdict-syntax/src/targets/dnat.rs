//! `-j DNAT`.

use netverdict_ruleset::targets::Dnat;
use netverdict_ruleset::{Hook, TableKind, Target};

use super::nat::range;
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "DNAT",
    family: None,
    options: &[
        Opt::value("to-destination").mandatory(),
        Opt::flag("random"),
        Opt::flag("persistent"),
    ],
    place: Place::ANY
        .tables(&[TableKind::Nat])
        .hooks(&[Hook::Prerouting, Hook::Output]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let to = range(given, "to-destination")?;
    Ok(Target::Dnat(Dnat { to }))
}
