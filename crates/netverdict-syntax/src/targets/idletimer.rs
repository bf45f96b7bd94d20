//! `-j IDLETIMER`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Idletimer;

use crate::problem::{Code, Parsed};
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "IDLETIMER",
    family: None,
    options: &[
        Opt::value("timeout").mandatory(),
        Opt::value("label").mandatory(),
        Opt::flag("alarm"),
    ],
    place: Place::ANY,
    build,
};

/// Most seconds: the kernel counts milliseconds in a signed 32-bit number.
const TIMEOUT_MAX: u32 = i32::MAX as u32 / 1000;

fn build(given: &Given<'_>) -> Parsed<Target> {
    let timer = Idletimer {
        timeout: given.required("timeout")?.u32()?,
        label: given.required("label")?.cut_text(0, 27)?,
        alarm: given.has("alarm"),
    };
    if timer.timeout == 0 || timer.timeout >= TIMEOUT_MAX || timer.label.is_empty() {
        let message = format!("needs a label and a timeout below {TIMEOUT_MAX} s");
        return Err(given.problem(Code::Value, message));
    }
    Ok(Target::Idletimer(timer))
}
