//! `-j SECMARK`.

use netverdict_ruleset::targets::Secmark;
use netverdict_ruleset::{TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "SECMARK",
    family: None,
    options: &[Opt::value("selctx").mandatory()],
    place: Place::ANY.tables(&[TableKind::Mangle, TableKind::Security]),
    build,
};

/// Bytes of a context, the final NUL aside.
const MAX: usize = 255;

fn build(given: &Given<'_>) -> Parsed<Target> {
    let context = given.required("selctx")?.cut_text(0, MAX)?;
    Ok(Target::Secmark(Secmark { context }))
}
