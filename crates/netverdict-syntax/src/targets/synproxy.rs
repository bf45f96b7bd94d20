//! `-j SYNPROXY`.

use netverdict_net::Protocol;
use netverdict_ruleset::targets::Synproxy;
use netverdict_ruleset::{Hook, Target};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "SYNPROXY",
    family: None,
    options: &[
        Opt::flag("sack-perm"),
        Opt::flag("timestamp"),
        Opt::value("wscale"),
        Opt::value("mss"),
        Opt::flag("ecn"),
    ],
    place: Place::ANY
        .hooks(&[Hook::Input, Hook::Forward])
        .protocols(&[Protocol::TCP]),
    build,
};

/// The kernel keeps the lower 8 bits of the scale and the lower 16 of the segment size.
fn build(given: &Given<'_>) -> Parsed<Target> {
    Ok(Target::Synproxy(Synproxy {
        sack_permitted: given.has("sack-perm"),
        timestamp: given.has("timestamp"),
        window_scale: given.read("wscale", Arg::u32)?.map(|n| n as u8),
        mss: given.read("mss", Arg::u32)?.map(|n| n as u16),
        ecn: given.has("ecn"),
    }))
}
