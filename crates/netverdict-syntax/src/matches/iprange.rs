//! `-m iprange`.

use netverdict_net::AddrRange;
use netverdict_ruleset::matches::{Iprange, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "iprange",
    family: None,
    options: &[
        Opt::value("src-range").invertible(),
        Opt::value("dst-range").invertible(),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let ranges = Iprange {
        source: given.test("src-range", range)?,
        destination: given.test("dst-range", range)?,
    };
    if ranges == Iprange::default() {
        return Err(given.missing("--src-range or --dst-range"));
    }
    Ok(Match::Iprange(ranges))
}

fn range(arg: Arg<'_>) -> Parsed<AddrRange> {
    let (start, end) = arg.text.split_once('-').unwrap_or((arg.text, arg.text));
    let address = |text| value::address(arg.family, text);
    match (address(start), address(end)) {
        // A range that is the wrong way round matches nothing.
        (Some(start), Some(end)) => Ok(AddrRange { start, end }),
        _ => Err(arg.bad("`address-address`")),
    }
}
