//! `-m hbh`.

use netverdict_net::Family;
use netverdict_ruleset::matches::{ExtensionOption, Hbh, Match};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number_in;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "hbh",
    family: Some(Family::V6),
    options: &[Opt::value("hbh-len").invertible(), Opt::value("hbh-opts")],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Hbh(Hbh {
        length: given.test("hbh-len", Arg::u32)?,
        options: given.read("hbh-opts", options)?.unwrap_or_default(),
    }))
}

/// Most options.
const OPTIONS_MAX: usize = 16;

/// `type[:length],…`.
pub(super) fn options(arg: Arg<'_>) -> Parsed<Vec<ExtensionOption>> {
    let list: Option<Vec<_>> = arg.text.split(',').map(option).collect();
    list.filter(|list| list.len() <= OPTIONS_MAX)
        .ok_or_else(|| {
            arg.bad(format!(
                "a comma list of at most {OPTIONS_MAX} `type[:length]`"
            ))
        })
}

/// Of both numbers, the lower eight bits count.
fn option(text: &str) -> Option<ExtensionOption> {
    let byte = |text| number_in(text, 0, u64::from(u32::MAX)).map(|n| n as u8);
    match text.split_once(':') {
        // 255 is what the kernel keeps for "any length".
        Some((kind, length)) => Some(ExtensionOption {
            kind: byte(kind)?,
            length: Some(byte(length)?).filter(|n| *n != 255),
        }),
        None => byte(text).map(|kind| ExtensionOption { kind, length: None }),
    }
}
