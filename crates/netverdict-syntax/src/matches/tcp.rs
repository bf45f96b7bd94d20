//! `-m tcp`.

use netverdict_net::{PortRange, Protocol};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, Tcp, TcpFlags};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "tcp",
    family: None,
    options: &[
        Opt::value("sport").invertible(),
        Opt::value("source-port").alias_of("sport").invertible(),
        Opt::value("dport").invertible(),
        Opt::value("destination-port")
            .alias_of("dport")
            .invertible(),
        Opt::flag("syn").invertible().excludes(&["tcp-flags"]),
        Opt::pair("tcp-flags").invertible(),
        Opt::value("tcp-option").invertible(),
    ],
    place: Place::ANY.protocols(&[Protocol::TCP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let any = Invertible::plain(PortRange::ANY);
    Ok(Match::Tcp(Tcp {
        source: given.test("sport", ports)?.unwrap_or(any),
        destination: given.test("dport", ports)?.unwrap_or(any),
        flags: flags(given)?,
        option: given.test("tcp-option", |arg| arg.number(1, 255).map(|n| n as u8))?,
    }))
}

/// Ports of TCP, in order: unlike other matches, this one refuses a range that is the wrong way round.
fn ports(arg: Arg<'_>) -> Parsed<PortRange> {
    let range = arg.ports(Some("tcp"))?;
    if range.start > range.end {
        return Err(arg.bad("a range from low to high"));
    }
    Ok(range)
}

fn flags(given: &Given<'_>) -> Parsed<Invertible<TcpFlags>> {
    if let Some(inverted) = given.flag("syn") {
        let value = TcpFlags::SYN;
        return Ok(Invertible { inverted, value });
    }
    let (Some(mask), Some(set)) = (given.arg("tcp-flags"), given.second("tcp-flags")) else {
        return Ok(Invertible::default());
    };
    let value = TcpFlags {
        mask: flag_bits(mask)?,
        set: flag_bits(set)?,
    };
    Ok(Invertible {
        inverted: mask.inverted,
        value,
    })
}

fn flag_bits(arg: Arg<'_>) -> Parsed<u8> {
    let names = arg.text.split(',').filter(|name| !name.is_empty());
    names
        .map(|name| flag_bit(arg, name))
        .try_fold(0, |all, bit| Ok(all | bit?))
}

fn flag_bit(arg: Arg<'_>, name: &str) -> Parsed<u8> {
    match name.to_ascii_uppercase().as_str() {
        "ALL" => return Ok(0x3f),
        "NONE" => return Ok(0),
        _ => {}
    }
    let known = TcpFlags::NAMES
        .iter()
        .find(|(n, _)| name.eq_ignore_ascii_case(n));
    known
        .map(|(_, bit)| *bit)
        .ok_or_else(|| arg.bad("a comma list of FIN, SYN, RST, PSH, ACK, URG, ALL, NONE"))
}
