//! `-j REDIRECT`.

use netverdict_ruleset::targets::Redirect;
use netverdict_ruleset::{Hook, TableKind, Target};

use super::nat::{no_base, read_ports};
use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "REDIRECT",
    family: None,
    options: &[Opt::value("to-ports"), Opt::flag("random")],
    place: Place::ANY
        .tables(&[TableKind::Nat])
        .hooks(&[Hook::Prerouting, Hook::Output]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let protocol = given.occurrence("to-ports").and_then(|o| o.protocol);
    let ports = given.read("to-ports", |arg| no_base(arg, read_ports(arg, protocol)?))?;
    Ok(Target::Redirect(Redirect {
        ports,
        random: given.has("random"),
    }))
}
