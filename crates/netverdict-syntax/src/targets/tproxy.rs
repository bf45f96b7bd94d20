//! `-j TPROXY`.

use netverdict_net::Protocol;
use netverdict_ruleset::targets::Tproxy;
use netverdict_ruleset::{Hook, MarkMask, TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "TPROXY",
    family: None,
    options: &[
        Opt::value("on-port").mandatory(),
        Opt::value("on-ip"),
        Opt::value("tproxy-mark"),
    ],
    place: Place::ANY
        .tables(&[TableKind::Mangle])
        .hooks(&[Hook::Prerouting])
        .protocols(&[Protocol::TCP, Protocol::UDP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let none = MarkMask { value: 0, mask: 0 };
    let mark = given.read("tproxy-mark", Arg::mark)?.unwrap_or(none);
    Ok(Target::Tproxy(Tproxy {
        port: given.required("on-port")?.port(None)?,
        address: given
            .read("on-ip", Arg::host)?
            .unwrap_or(Tproxy::any_address(given.family)),
        mark: mark.value,
        mark_mask: mark.mask,
    }))
}
