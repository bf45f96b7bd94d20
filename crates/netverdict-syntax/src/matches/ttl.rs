//! `-m ttl`.

use netverdict_net::Family;
use netverdict_ruleset::matches::{HopTest, Match, Ttl};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

const ALL: &[&str] = &["ttl-eq", "ttl-lt", "ttl-gt"];

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "ttl",
    family: Some(Family::V4),
    options: &[
        Opt::value("ttl-lt").excludes(ALL),
        Opt::value("ttl-gt").excludes(ALL),
        Opt::value("ttl-eq").invertible().excludes(ALL),
        Opt::value("ttl").alias_of("ttl-eq").excludes(ALL),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    test(given, ["ttl-eq", "ttl-lt", "ttl-gt"]).map(|test| Match::Ttl(Ttl { test }))
}

/// The one comparison that is given.
pub(super) fn test(given: &Given<'_>, [equal, less, greater]: [&str; 3]) -> Parsed<HopTest> {
    if let Some(arg) = given.arg(equal) {
        let value = arg.u8()?;
        return Ok(if arg.inverted {
            HopTest::NotEqual(value)
        } else {
            HopTest::Equal(value)
        });
    }
    if let Some(arg) = given.arg(less) {
        return arg.u8().map(HopTest::Less);
    }
    let arg = given
        .arg(greater)
        .ok_or_else(|| given.missing(&format!("--{equal}, --{less} or --{greater}")))?;
    arg.u8().map(HopTest::Greater)
}
