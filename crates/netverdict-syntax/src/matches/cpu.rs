//! `-m cpu`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Cpu, Match};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "cpu",
    family: None,
    options: &[Opt::value("cpu").invertible().mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("cpu")?;
    let inverted = arg.inverted;
    let value = arg.u32()?;
    Ok(Match::Cpu(Cpu {
        cpu: Invertible { inverted, value },
    }))
}
