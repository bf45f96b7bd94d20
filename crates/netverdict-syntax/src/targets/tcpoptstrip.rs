//! `-j TCPOPTSTRIP`.

use netverdict_net::Protocol;
use netverdict_ruleset::targets::{TcpOptionSet, Tcpoptstrip};
use netverdict_ruleset::{TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number_in;

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "TCPOPTSTRIP",
    family: None,
    options: &[Opt::value("strip-options")],
    place: Place::ANY
        .tables(&[TableKind::Mangle])
        .protocols(&[Protocol::TCP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let options = given.read("strip-options", options)?.unwrap_or_default();
    Ok(Target::Tcpoptstrip(Tcpoptstrip { options }))
}

fn options(arg: Arg<'_>) -> Parsed<TcpOptionSet> {
    let mut options = TcpOptionSet::default();
    for text in arg.text.split(',') {
        let named = TcpOptionSet::NAMES.iter().find(|(name, _)| *name == text);
        let kind = named
            .map(|(_, kind)| *kind)
            .or_else(|| number_in(text, 0, 255).map(|n| n as u8))
            .ok_or_else(|| arg.bad("a comma list of numbers from 0 to 255 or wscale, mss, sack-permitted, sack, timestamp, md5"))?;
        if kind < 2 {
            return Err(arg.bad("no 0 or 1: those end the options and pad them"));
        }
        options.insert(kind);
    }
    Ok(options)
}
