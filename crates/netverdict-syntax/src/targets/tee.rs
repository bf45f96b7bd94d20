//! `-j TEE`.

use netverdict_net::InterfaceName;
use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Tee;

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "TEE",
    family: None,
    options: &[Opt::value("gateway").mandatory(), Opt::value("oif")],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let name = |arg: Arg<'_>| {
        let name = InterfaceName::new(arg.text);
        name.map_err(|_| arg.bad("an interface name of at most 15 bytes"))
    };
    Ok(Target::Tee(Tee {
        gateway: given.required("gateway")?.host()?,
        out_interface: given.read("oif", name)?,
    }))
}
