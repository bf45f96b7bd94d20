//! `-m connbytes`.

use netverdict_ruleset::Interval;
use netverdict_ruleset::matches::{Connbytes, ConnbytesDirection, ConnbytesMode, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "connbytes",
    family: None,
    options: &[
        Opt::value("connbytes").invertible().mandatory(),
        Opt::value("connbytes-dir").mandatory(),
        Opt::value("connbytes-mode").mandatory(),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("connbytes")?;
    let (range, is_range) = arg.range(u64::MAX)?;
    let last = if is_range { range.last } else { u64::MAX };
    let range = Interval { last, ..range };
    if range.first > range.last {
        return Err(arg.bad("a range from low to high"));
    }
    Ok(Match::Connbytes(Connbytes {
        // The kernel keeps an inverted range as one whose ends are swapped, so one of a single value is not inverted.
        inverted: arg.inverted && range.first != range.last,
        range,
        mode: given.required("connbytes-mode")?.one_of(&[
            ("packets", ConnbytesMode::Packets),
            ("bytes", ConnbytesMode::Bytes),
            ("avgpkt", ConnbytesMode::AveragePacket),
        ])?,
        direction: given.required("connbytes-dir")?.one_of(&[
            ("original", ConnbytesDirection::Original),
            ("reply", ConnbytesDirection::Reply),
            ("both", ConnbytesDirection::Both),
        ])?,
    }))
}
