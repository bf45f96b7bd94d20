//! `-m ipvs`.

use netverdict_ruleset::matches::{CtDirection, Ipvs, IpvsMethod, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "ipvs",
    family: None,
    options: &[
        Opt::flag("ipvs").invertible(),
        Opt::value("vproto").invertible(),
        Opt::value("vaddr").invertible(),
        Opt::value("vport").invertible(),
        Opt::value("vdir"),
        Opt::value("vmethod").invertible(),
        Opt::value("vportctl").invertible(),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let port = |arg: Arg<'_>| arg.port(None);
    let ipvs = Ipvs {
        property: given.flag("ipvs"),
        protocol: given.test("vproto", |arg| arg.protocol().map(|p| p.0))?,
        address: given.test("vaddr", Arg::net)?,
        port: given.test("vport", port)?,
        direction: given.read("vdir", |arg| {
            arg.one_of(&[
                ("ORIGINAL", CtDirection::Original),
                ("REPLY", CtDirection::Reply),
            ])
        })?,
        method: given.test("vmethod", |arg| {
            arg.one_of(&[
                ("GATE", IpvsMethod::Gate),
                ("IPIP", IpvsMethod::Ipip),
                ("MASQ", IpvsMethod::Masq),
            ])
        })?,
        control_port: given.test("vportctl", port)?,
    };
    if ipvs == Ipvs::default() {
        return Err(given.missing("an option"));
    }
    Ok(Match::Ipvs(ipvs))
}
