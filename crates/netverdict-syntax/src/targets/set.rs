//! `-j SET`.

use netverdict_ruleset::Target;
use netverdict_ruleset::matches::SetReference;
use netverdict_ruleset::targets::Set;

use crate::matches::set::reference;
use crate::problem::{Code, Parsed};
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "SET",
    family: None,
    options: &[
        Opt::pair("add-set"),
        Opt::pair("del-set"),
        Opt::pair("map-set"),
        Opt::value("timeout"),
        Opt::flag("exist"),
        Opt::flag("map-mark"),
        Opt::flag("map-prio"),
        Opt::flag("map-queue"),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let set = Set {
        add: set(given, "add-set")?,
        exist: given.has("exist"),
        timeout: given
            .read("timeout", |arg| arg.number(0, u64::from(u32::MAX) - 1))?
            .map(|n| n as u32),
        delete: set(given, "del-set")?,
        map: set(given, "map-set")?,
        map_mark: given.has("map-mark"),
        map_priority: given.has("map-prio"),
        map_queue: given.has("map-queue"),
    };
    if set.add.is_none() && set.delete.is_none() && set.map.is_none() {
        return Err(given.missing("--add-set, --del-set or --map-set"));
    }
    let maps = set.map_mark || set.map_priority || set.map_queue;
    if maps != set.map.is_some() {
        let message = "--map-set goes with --map-mark, --map-prio or --map-queue";
        return Err(given.problem(Code::Combination, message));
    }
    Ok(Target::Set(set))
}

fn set(given: &Given<'_>, id: &str) -> Parsed<Option<SetReference>> {
    given.read(id, |name| reference(name, given.second(id)))
}
