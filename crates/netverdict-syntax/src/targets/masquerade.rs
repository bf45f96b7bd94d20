//! `-j MASQUERADE`.

use netverdict_ruleset::targets::Masquerade;
use netverdict_ruleset::{Hook, TableKind, Target};

use super::nat::{forget_base, read_ports};
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "MASQUERADE",
    family: None,
    options: &[
        Opt::value("to-ports"),
        Opt::flag("random"),
        Opt::flag("random-fully"),
    ],
    place: Place::ANY
        .tables(&[TableKind::Nat])
        .hooks(&[Hook::Postrouting]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let protocol = given.occurrence("to-ports").and_then(|o| o.protocol);
    let ports = given.read("to-ports", |arg| read_ports(arg, protocol))?;
    Ok(Target::Masquerade(Masquerade {
        ports: ports.map(forget_base),
        random: given.has("random"),
        random_fully: given.has("random-fully"),
    }))
}
