//! What `--to-source`, `--to-destination` and `--to-ports` take.

use netverdict_net::{AddrRange, Family, PortRange, Protocol};
use netverdict_ruleset::Invertible;
use netverdict_ruleset::targets::{NatPorts, NatRange};

use crate::problem::Parsed;
use crate::services;
use crate::spec::{Arg, Given, protocol_problem};
use crate::value::{number_in, number_prefix};

/// Protocols that have ports, or an id in their place.
const PROTOCOLS: &[Protocol] = &[
    Protocol::TCP,
    Protocol::UDP,
    Protocol::SCTP,
    Protocol::DCCP,
    Protocol::ICMP,
];

/// The option's range, and the flags that stand beside it.
pub(super) fn range(given: &Given<'_>, id: &str) -> Parsed<NatRange> {
    let (Some(arg), Some(occurrence)) = (given.arg(id), given.occurrence(id)) else {
        return Err(given.missing(&format!("--{id}")));
    };
    let mut range = place(arg, occurrence.protocol)?;
    range.random = given.has("random");
    range.random_fully = given.has("random-fully");
    range.persistent = given.has("persistent");
    Ok(range)
}

/// `address[-address][:ports]`; an IPv6 address with ports is in brackets.
fn place(arg: Arg<'_>, protocol: Option<Invertible<Protocol>>) -> Parsed<NatRange> {
    let (addresses, ports) = split(arg)?;
    Ok(NatRange {
        addresses: if addresses.is_empty() && ports.is_some() {
            None
        } else {
            Some(address_range(arg, addresses)?)
        },
        ports: ports
            .map(|text| read_ports(arg.part(text), protocol))
            .transpose()?,
        ..NatRange::default()
    })
}

/// Parts addresses from ports. One colon without brackets is before ports, several are an IPv6 address.
fn split(arg: Arg<'_>) -> Parsed<(&str, Option<&str>)> {
    if let Some((_, rest)) = arg.text.split_once('[') {
        let inside = rest.split_once(']').filter(|_| arg.family == Family::V6);
        let (addresses, rest) = inside.ok_or_else(|| arg.bad("`[address]:ports`"))?;
        return Ok((addresses, rest.split_once(':').map(|(_, ports)| ports)));
    }
    match arg.text.split_once(':') {
        Some((addresses, ports)) if !ports.contains(':') => Ok((addresses, Some(ports))),
        _ => Ok((arg.text, None)),
    }
}

fn address_range(arg: Arg<'_>, text: &str) -> Parsed<AddrRange> {
    let (start, end) = text.split_once('-').unwrap_or((text, text));
    let address = |text: &str| {
        let address = text.parse().ok();
        address.filter(|a| Family::of(*a) == arg.family)
    };
    match (address(start), address(end)) {
        (Some(start), Some(end)) => Ok(AddrRange { start, end }),
        _ => Err(arg.bad("`address[-address][:port[-port]]` of the rule's family")),
    }
}

/// `port`, `port-port` or `port-port/base`; a service name only alone or as base. `-p` must come first.
pub(super) fn read_ports(arg: Arg<'_>, protocol: Option<Invertible<Protocol>>) -> Parsed<NatPorts> {
    if !protocol.is_some_and(|p| PROTOCOLS.contains(&p.value)) {
        return Err(protocol_problem("a port", PROTOCOLS)
            .at(arg.span)
            .help("`-p` must stand before the ports"));
    }
    let bad = || arg.bad("`port[-port[/port]]`");
    let port = |n: u64| u16::try_from(n).map_err(|_| bad());
    let Some((start, rest)) = number_prefix(arg.text) else {
        let start = services::port(arg.text, None).ok_or_else(bad)?;
        return Ok(single(start));
    };
    let start = port(start)?;
    if rest.is_empty() {
        return Ok(single(start));
    }
    let rest = rest.strip_prefix('-').ok_or_else(bad)?;
    let (end, rest) = number_prefix(rest).ok_or_else(bad)?;
    let range = PortRange {
        start,
        end: port(end)?,
    };
    if range.start > range.end {
        return Err(arg.bad("a range from low to high"));
    }
    let base = match rest {
        "" => None,
        _ => Some(rest.strip_prefix('/').and_then(base).ok_or_else(bad)?),
    };
    Ok(NatPorts { range, base })
}

const fn single(port: u16) -> NatPorts {
    NatPorts {
        range: PortRange::single(port),
        base: None,
    }
}

fn base(text: &str) -> Option<u16> {
    let number = number_in(text, 1, 0xffff).map(|n| n as u16);
    number.or_else(|| services::port(text, None))
}

/// What becomes of `/base` where only DNAT knows it: the kernel is told of a base, but gets none.
pub(super) fn forget_base(ports: NatPorts) -> NatPorts {
    NatPorts {
        base: ports.base.map(|_| 0),
        ..ports
    }
}

/// Refuses `/base`.
pub(super) fn no_base(arg: Arg<'_>, ports: NatPorts) -> Parsed<NatPorts> {
    match ports.base {
        None => Ok(ports),
        Some(_) => Err(arg.bad("`port[-port]`; only DNAT shifts ports")),
    }
}
