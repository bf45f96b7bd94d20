//! Targets without a type of their own: ACCEPT, DROP, RETURN, QUEUE, NOTRACK, TRACE.

use netverdict_ruleset::{Hook, TableKind, Target};

use crate::spec::{Place, Spec};

const RAW: Place = Place::ANY
    .tables(&[TableKind::Raw])
    .hooks(&[Hook::Prerouting, Hook::Output]);

pub(crate) const ACCEPT: Spec<Target> = Spec {
    name: "ACCEPT",
    family: None,
    options: &[],
    place: Place::ANY,
    build: |_| Ok(Target::Accept),
};

pub(crate) const DROP: Spec<Target> = Spec {
    name: "DROP",
    family: None,
    options: &[],
    place: Place::ANY,
    build: |_| Ok(Target::Drop),
};

pub(crate) const RETURN: Spec<Target> = Spec {
    name: "RETURN",
    family: None,
    options: &[],
    place: Place::ANY,
    build: |_| Ok(Target::Return),
};

pub(crate) const QUEUE: Spec<Target> = Spec {
    name: "QUEUE",
    family: None,
    options: &[],
    place: Place::ANY,
    build: |_| Ok(Target::Queue),
};

pub(crate) const NOTRACK: Spec<Target> = Spec {
    name: "NOTRACK",
    family: None,
    options: &[],
    place: RAW,
    build: |_| Ok(Target::Notrack),
};

pub(crate) const TRACE: Spec<Target> = Spec {
    name: "TRACE",
    family: None,
    options: &[],
    place: RAW,
    build: |_| Ok(Target::Trace),
};
