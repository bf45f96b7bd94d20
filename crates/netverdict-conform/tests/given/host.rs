//! Hosts as a user gives them.

use std::path::{Path, PathBuf};

use netverdict_bundle::{Bundle, Inferred};
use netverdict_engine::Config;
use netverdict_net::Family;
use netverdict_replay::Setup;
use netverdict_ruleset::Ruleset;

/// A host of a dump or a bundle, completed by `infer`.
pub(crate) fn host(
    path: &Path,
    config: Config,
    infer: impl FnOnce(&Bundle, &[&Ruleset]) -> Inferred,
) -> Setup {
    let bundle = Bundle::read::<PathBuf>(path.as_os_str(), &[]).unwrap();
    let parsed = bundle.parse_dumps();
    let found = Family::ALL
        .into_iter()
        .filter_map(|family| parsed.ruleset(family));
    let (dumps, rulesets): (Vec<_>, Vec<Ruleset>) = found.map(|(id, r)| (id, r.clone())).unzip();
    let inferred = infer(&bundle, &rulesets.iter().collect::<Vec<_>>());
    Setup {
        bundle,
        rulesets,
        dumps,
        sets: None,
        timeouts: None,
        fingerprints: None,
        inferred,
        config,
    }
}
