//! `-j SNPT` and `-j DNPT`.

use std::net::IpAddr;

use netverdict_net::Family;
use netverdict_ruleset::targets::{Npt, NptPrefix};
use netverdict_ruleset::{Hook, TableKind, Target};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::masked;

const OPTIONS: &[Opt] = &[
    Opt::value("src-pfx").mandatory(),
    Opt::value("dst-pfx").mandatory(),
];

pub(crate) const SNPT: Spec<Target> = Spec {
    name: "SNPT",
    family: Some(Family::V6),
    options: OPTIONS,
    place: Place::ANY
        .tables(&[TableKind::Mangle])
        .hooks(&[Hook::Input, Hook::Postrouting]),
    build: |given| build(given).map(Target::Snpt),
};

pub(crate) const DNPT: Spec<Target> = Spec {
    name: "DNPT",
    family: Some(Family::V6),
    options: OPTIONS,
    place: Place::ANY
        .tables(&[TableKind::Mangle])
        .hooks(&[Hook::Prerouting, Hook::Output]),
    build: |given| build(given).map(Target::Dnpt),
};

fn build(given: &Given<'_>) -> Parsed<Npt> {
    Ok(Npt {
        from: prefix(given.required("src-pfx")?)?,
        to: prefix(given.required("dst-pfx")?)?,
    })
}

/// At most 64 bits, and none set beyond them (ip6t_npt_checkentry).
fn prefix(arg: Arg<'_>) -> Parsed<NptPrefix> {
    let (addr, mask) = arg.host_and_mask()?;
    let len = masked(mask, mask).prefix_len().filter(|len| *len <= 64);
    match (addr, len) {
        (IpAddr::V6(v6), Some(len)) if masked(addr, mask).addr() == addr => {
            Ok(NptPrefix { addr: v6, len })
        }
        _ => Err(arg.bad("an IPv6 prefix of at most 64 bits")),
    }
}
