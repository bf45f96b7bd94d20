//! `-j CHECKSUM`.

use netverdict_ruleset::targets::Checksum;
use netverdict_ruleset::{TableKind, Target};

use crate::spec::{Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "CHECKSUM",
    family: None,
    options: &[Opt::flag("checksum-fill").mandatory()],
    place: Place::ANY.tables(&[TableKind::Mangle]),
    build: |_| Ok(Target::Checksum(Checksum)),
};
