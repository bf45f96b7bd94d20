//! `-j CLASSIFY`.

use netverdict_ruleset::targets::Classify;
use netverdict_ruleset::{Hook, Target};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "CLASSIFY",
    family: None,
    options: &[Opt::value("set-class").mandatory()],
    place: Place::ANY.hooks(&[Hook::Forward, Hook::Output, Hook::Postrouting]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let arg = given.required("set-class")?;
    let part = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let class = arg
        .text
        .split_once(':')
        .and_then(|(major, minor)| part(major).zip(part(minor)));
    let (major, minor) = class.ok_or_else(|| arg.bad("`major:minor` in hexadecimal"))?;
    Ok(Target::Classify(Classify {
        priority: major << 16 | minor & 0xffff,
    }))
}
