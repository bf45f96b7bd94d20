//! `-m cgroup`.

use netverdict_ruleset::Hook;
use netverdict_ruleset::matches::{Cgroup, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "cgroup",
    family: None,
    options: &[
        Opt::value("path").invertible(),
        Opt::value("cgroup").invertible(),
    ],
    place: Place::ANY.hooks(&[Hook::Input, Hook::Output, Hook::Postrouting]),
    build,
};

/// Bytes of a path, the final NUL aside.
const PATH_MAX: usize = 511;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let path = given.test("path", |arg| arg.cut_text(0, PATH_MAX))?;
    let class = given.test("cgroup", Arg::u32)?;
    match (path, class) {
        (Some(path), None) => Ok(Match::Cgroup(Cgroup::Path(path))),
        (None, Some(class)) => Ok(Match::Cgroup(Cgroup::Class(class))),
        _ => Err(given.missing("one of --path and --cgroup")),
    }
}
