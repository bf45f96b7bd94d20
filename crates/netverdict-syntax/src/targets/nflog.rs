//! `-j NFLOG`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::{Nflog, NflogCopy};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "NFLOG",
    family: None,
    options: &[
        Opt::value("nflog-group"),
        Opt::value("nflog-prefix"),
        Opt::value("nflog-range").excludes(&["nflog-size"]),
        Opt::value("nflog-size").excludes(&["nflog-range"]),
        Opt::value("nflog-threshold"),
    ],
    place: Place::ANY,
    build,
};

/// Bytes of a prefix, the final NUL aside.
const PREFIX_MAX: usize = 63;

fn build(given: &Given<'_>) -> Parsed<Target> {
    let range = given.read("nflog-range", Arg::u32)?.map(NflogCopy::Range);
    let size = given.read("nflog-size", Arg::u32)?.map(NflogCopy::Size);
    Ok(Target::Nflog(Nflog {
        prefix: given
            .read("nflog-prefix", |arg| arg.cut_text(1, PREFIX_MAX))?
            .unwrap_or_default(),
        group: given.read("nflog-group", Arg::u16)?.unwrap_or(0),
        copy: size.or(range).unwrap_or_default(),
        threshold: given
            .read("nflog-threshold", Arg::u16)?
            .unwrap_or(Nflog::DEFAULT_THRESHOLD),
    }))
}
