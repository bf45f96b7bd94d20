//! `-j NETMAP`.

use netverdict_ruleset::targets::Netmap;
use netverdict_ruleset::{Hook, TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "NETMAP",
    family: None,
    options: &[Opt::value("to").mandatory()],
    place: Place::ANY.tables(&[TableKind::Nat]).hooks(&[
        Hook::Prerouting,
        Hook::Output,
        Hook::Postrouting,
        Hook::Input,
    ]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let to = given.required("to")?.net()?;
    Ok(Target::Netmap(Netmap { to }))
}
