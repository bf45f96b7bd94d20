//! `-j LOG`, and syslog levels.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Log;

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number_in;

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "LOG",
    family: None,
    options: &[
        Opt::value("log-level"),
        Opt::value("log-prefix"),
        Opt::flag("log-tcp-sequence"),
        Opt::flag("log-tcp-options"),
        Opt::flag("log-ip-options"),
        Opt::flag("log-uid"),
        Opt::flag("log-macdecode"),
    ],
    place: Place::ANY,
    build,
};

/// Bytes of a prefix, the final NUL aside.
const PREFIX_MAX: usize = 29;

fn build(given: &Given<'_>) -> Parsed<Target> {
    Ok(Target::Log(Log {
        prefix: given
            .read("log-prefix", |arg| arg.cut_text(1, PREFIX_MAX))?
            .unwrap_or_default(),
        level: given
            .read("log-level", level)?
            .unwrap_or(Log::DEFAULT_LEVEL),
        tcp_sequence: given.has("log-tcp-sequence"),
        tcp_options: given.has("log-tcp-options"),
        ip_options: given.has("log-ip-options"),
        uid: given.has("log-uid"),
        mac_decode: given.has("log-macdecode"),
    }))
}

fn level(arg: Arg<'_>) -> Parsed<u8> {
    if let Some(level) = number_in(arg.text, 0, 7) {
        return Ok(level as u8);
    }
    arg.one_of(&[
        ("emerg", 0),
        ("panic", 0),
        ("alert", 1),
        ("crit", 2),
        ("error", 3),
        ("warning", 4),
        ("notice", 5),
        ("info", 6),
        ("debug", 7),
    ])
}
