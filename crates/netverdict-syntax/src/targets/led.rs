//! `-j LED`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::{Led, LedDelay};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "LED",
    family: None,
    options: &[
        Opt::value("led-trigger-id").mandatory(),
        Opt::value("led-delay"),
        Opt::flag("led-always-blink"),
    ],
    place: Place::ANY,
    build,
};

/// Bytes of an id beside `netfilter-` and the final NUL.
const ID_MAX: usize = 16;

fn build(given: &Given<'_>) -> Parsed<Target> {
    Ok(Target::Led(Led {
        id: given.required("led-trigger-id")?.text(1, ID_MAX)?,
        delay: given
            .read("led-delay", delay)?
            .unwrap_or(LedDelay::Millis(0)),
        always_blink: given.has("led-always-blink"),
    }))
}

fn delay(arg: Arg<'_>) -> Parsed<LedDelay> {
    if arg.text == "inf" {
        return Ok(LedDelay::Forever);
    }
    arg.u32().map(LedDelay::Millis)
}
