//! `-j ECN`.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::targets::Ecn;
use netverdict_ruleset::{TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "ECN",
    family: Some(Family::V4),
    options: &[
        Opt::flag("ecn-tcp-remove").excludes(&["ecn-tcp-cwr", "ecn-tcp-ece"]),
        Opt::value("ecn-tcp-cwr").excludes(&["ecn-tcp-remove"]),
        Opt::value("ecn-tcp-ece").excludes(&["ecn-tcp-remove"]),
        Opt::value("ecn-ip-ect"),
    ],
    place: Place::ANY.tables(&[TableKind::Mangle]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let bit = |id: &str| given.read(id, |arg| arg.number(0, 1).map(|bit| bit == 1));
    let removed = given.has("ecn-tcp-remove").then_some(false);
    let ecn = Ecn {
        ece: bit("ecn-tcp-ece")?.or(removed),
        cwr: bit("ecn-tcp-cwr")?.or(removed),
        ect: given.read("ecn-ip-ect", |arg| arg.number(0, 3).map(|n| n as u8))?,
    };
    if ecn == Ecn::default() {
        return Err(given.missing("--ecn-tcp-remove or another change"));
    }
    if ecn.ece.is_some() || ecn.cwr.is_some() {
        given.needs_protocol(&[Protocol::TCP], "a change of TCP's ECN bits")?;
    }
    Ok(Target::Ecn(ecn))
}
