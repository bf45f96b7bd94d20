//! `-j AUDIT`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Audit;

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "AUDIT",
    family: None,
    options: &[Opt::value("type").mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let kinds = [
        ("accept", Audit::Accept),
        ("drop", Audit::Drop),
        ("reject", Audit::Reject),
    ];
    let arg = given.required("type")?;
    let name = arg.text.to_ascii_lowercase();
    let kind = arg.part(&name).one_of(&kinds);
    kind.map(Target::Audit)
        .map_err(|_| arg.bad("accept, drop or reject"))
}
