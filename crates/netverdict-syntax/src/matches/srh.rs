//! `-m srh`.

use std::net::IpAddr;

use netverdict_net::Family;
use netverdict_ruleset::matches::{Match, Srh, SrhNumber, SrhPrefix};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::masked;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "srh",
    family: Some(Family::V6),
    options: &[
        Opt::value("srh-next-hdr").invertible(),
        Opt::value("srh-hdr-len-eq").invertible(),
        Opt::value("srh-hdr-len-gt").invertible(),
        Opt::value("srh-hdr-len-lt").invertible(),
        Opt::value("srh-segs-left-eq").invertible(),
        Opt::value("srh-segs-left-gt").invertible(),
        Opt::value("srh-segs-left-lt").invertible(),
        Opt::value("srh-last-entry-eq").invertible(),
        Opt::value("srh-last-entry-gt").invertible(),
        Opt::value("srh-last-entry-lt").invertible(),
        Opt::value("srh-tag").invertible(),
        Opt::value("srh-psid").invertible(),
        Opt::value("srh-nsid").invertible(),
        Opt::value("srh-lsid").invertible(),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Srh(Srh {
        next_header: given.test("srh-next-hdr", Arg::u8)?,
        length: number(
            given,
            ["srh-hdr-len-eq", "srh-hdr-len-gt", "srh-hdr-len-lt"],
        )?,
        segments_left: number(
            given,
            ["srh-segs-left-eq", "srh-segs-left-gt", "srh-segs-left-lt"],
        )?,
        last_entry: number(
            given,
            [
                "srh-last-entry-eq",
                "srh-last-entry-gt",
                "srh-last-entry-lt",
            ],
        )?,
        tag: given.test("srh-tag", Arg::u16)?,
        previous: given.test("srh-psid", prefix)?,
        next: given.test("srh-nsid", prefix)?,
        last: given.test("srh-lsid", prefix)?,
    }))
}

/// The kernel keeps one value for the three comparisons: that of the option given last.
fn number(given: &Given<'_>, ids: [&str; 3]) -> Parsed<SrhNumber> {
    let mut number = SrhNumber::default();
    for occurrence in given.options.iter().filter(|o| ids.contains(&o.opt.id)) {
        if let Some(arg) = given.arg_of(occurrence, 0) {
            number.value = arg.u8()?;
        }
    }
    [number.equal, number.greater, number.less] = ids.map(|id| given.flag(id));
    Ok(number)
}

fn prefix(arg: Arg<'_>) -> Parsed<SrhPrefix> {
    let (addr, mask) = arg.host_and_mask()?;
    match (addr, masked(mask, mask).prefix_len()) {
        (IpAddr::V6(addr), Some(len)) => Ok(SrhPrefix { addr, len }),
        _ => Err(arg.bad("an IPv6 address, perhaps with a prefix length")),
    }
}
