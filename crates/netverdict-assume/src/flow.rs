//! Which packets a fact is about.

use std::net::IpAddr;

use netverdict_engine::{EndPattern, FlowPattern};
use netverdict_net::{AddrMask, Family, PortRange, Protocol};

use super::AssumeError;
use super::words::{Words, wrong};

const END: &str =
    "an end: *, *:443, 192.0.2.1, 192.0.2.0/24:1000-2000, 2001:db8::1 or [2001:db8::/32]:443";

const PROTOCOLS: [(&str, Protocol); 10] = [
    ("tcp", Protocol::TCP),
    ("udp", Protocol::UDP),
    ("udplite", Protocol::UDPLITE),
    ("sctp", Protocol::SCTP),
    ("dccp", Protocol::DCCP),
    ("icmp", Protocol::ICMP),
    ("icmp6", Protocol::ICMPV6),
    ("esp", Protocol::ESP),
    ("ah", Protocol::AH),
    ("gre", Protocol::GRE),
];

pub(super) fn read(words: &mut Words<'_>) -> Result<FlowPattern, AssumeError> {
    let protocol = words.peek().and_then(protocol);
    if protocol.is_some() {
        words.take("a protocol")?;
    }
    let mut flow = FlowPattern {
        protocol,
        ..FlowPattern::default()
    };
    if protocol.is_some() && words.peek().is_none() {
        return Ok(flow);
    }
    let first = words.peek();
    flow.source = end(words, protocol)?;
    let arrow = words.take("`>` between source and destination")?;
    if !matches!(arrow, ">" | "->") {
        return Err(wrong(arrow, "`>` between source and destination"));
    }
    let second = words.peek();
    flow.destination = end(words, protocol)?;
    let family = |end: EndPattern| end.address.map(AddrMask::family);
    match (family(flow.source), family(flow.destination)) {
        (Some(a), Some(b)) if a != b => Err(wrong(
            second.or(first).unwrap_or_default(),
            &format!("an {a} address, as the source is"),
        )),
        _ => Ok(flow),
    }
}

/// A protocol by name or number.
pub(super) fn protocol(word: &str) -> Option<Protocol> {
    let named = PROTOCOLS.iter().find(|(name, _)| *name == word);
    named
        .map(|(_, protocol)| *protocol)
        .or_else(|| word.parse().ok().map(Protocol))
}

fn end(words: &mut Words<'_>, protocol: Option<Protocol>) -> Result<EndPattern, AssumeError> {
    let word = words.take(END)?;
    let bad = || wrong(word, END);
    let (address, ports) = split(word);
    let pattern = EndPattern {
        address: match address {
            "*" => None,
            address => Some(network(address).ok_or_else(bad)?),
        },
        ports: match ports {
            None | Some("*") => None,
            Some(ports) => Some(range(ports).ok_or_else(bad)?),
        },
    };
    let has_ports = matches!(
        protocol,
        Some(Protocol::TCP | Protocol::UDP | Protocol::UDPLITE | Protocol::SCTP | Protocol::DCCP)
    );
    if pattern.ports.is_some() && !has_ports {
        return Err(wrong(
            word,
            "an end without a port, or a protocol that has ports before the ends",
        ));
    }
    Ok(pattern)
}

/// Address and ports: a colon separates them, unless the whole is an IPv6 address or network.
fn split(word: &str) -> (&str, Option<&str>) {
    if network(word).is_some() {
        return (word, None);
    }
    match word.rsplit_once(':') {
        Some((address, ports)) => {
            let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
            (bare.unwrap_or(address), Some(ports))
        }
        None => (word, None),
    }
}

fn network(text: &str) -> Option<AddrMask> {
    let (address, len) = match text.split_once('/') {
        Some((address, len)) => (address, Some(len.parse::<u8>().ok()?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = Family::of(address).bits();
    let len = len.unwrap_or(most);
    (len <= most).then(|| AddrMask::prefix(address, len))
}

fn range(text: &str) -> Option<PortRange> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(PortRange {
        start: first,
        end: last,
    })
}
