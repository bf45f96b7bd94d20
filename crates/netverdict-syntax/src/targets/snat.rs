//! `-j SNAT`.

use netverdict_ruleset::targets::Snat;
use netverdict_ruleset::{Hook, TableKind, Target};

use super::nat::{forget_base, range};
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "SNAT",
    family: None,
    options: &[
        Opt::value("to-source").mandatory(),
        Opt::flag("random"),
        Opt::flag("random-fully"),
        Opt::flag("persistent"),
    ],
    place: Place::ANY
        .tables(&[TableKind::Nat])
        .hooks(&[Hook::Postrouting, Hook::Input]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let mut to = range(given, "to-source")?;
    to.ports = to.ports.map(forget_base);
    Ok(Target::Snat(Snat { to }))
}
