//! `[[expect]]` tables of a case's file.

use std::net::IpAddr;

use netverdict_capture::Direction;
use netverdict_engine::CtState;
use netverdict_net::{AddrMask, Family, InterfaceName, Protocol};
use netverdict_replay::{Fate, Verdict};
use netverdict_ruleset::TableKind;

use super::query::{Count, Translation, Wanted};
use super::rule::{Number, RuleQuery};
use super::{Ends, Expectation, Expected, Packets, Span};
use crate::CaseError;
use crate::case::HostEntry;
use crate::error::did_you_mean;
use crate::section::{Section, Value};

/// What says which packets.
const PACKETS: [&str; 13] = [
    "packet",
    "line",
    "flow",
    "protocol",
    "source",
    "destination",
    "address",
    "source-port",
    "destination-port",
    "port",
    "iface",
    "direction",
    "state",
];
/// What says what of them.
const WANTED: [&str; 7] = [
    "verdict",
    "fate",
    "rule",
    "translation",
    "out",
    "mark",
    "reason",
];
const MORE: [&str; 5] = ["name", "hosts", "count", "none", "hits"];
const STATES: [CtState; 5] = [
    CtState::New,
    CtState::Established,
    CtState::Related,
    CtState::Invalid,
    CtState::Untracked,
];

/// Reads all of them.
pub(crate) fn read(
    root: &Section<'_>,
    hosts: &[HostEntry],
) -> Result<Vec<Expectation>, Box<CaseError>> {
    let Some(value) = root.get("expect") else {
        return Ok(Vec::new());
    };
    let known = [PACKETS.as_slice(), &WANTED, &MORE].concat();
    let sections = value.sections(&known)?;
    sections
        .iter()
        .map(|(value, section)| expectation(value, section, hosts))
        .collect()
}

fn expectation(
    value: &Value<'_>,
    section: &Section<'_>,
    hosts: &[HostEntry],
) -> Result<Expectation, Box<CaseError>> {
    Ok(Expectation {
        line: value.text.line(value.span().start),
        name: section.string("name")?,
        text: words(section),
        hosts: about(section, hosts)?,
        what: expected(section)?,
    })
}

/// The expectation's words in the order of the tables above.
fn words(section: &Section<'_>) -> String {
    let keys = PACKETS.iter().chain(&WANTED).chain(&MORE);
    let keys = keys.filter(|key| !matches!(**key, "name" | "hosts"));
    let word = |key: &&'static str| {
        let value = section.get(key)?;
        let raw = value.text.text.get(value.span())?.trim();
        let raw = raw.trim_matches(['"', '\'']).replace('\n', " ");
        Some(format!("{key} {raw}"))
    };
    let words: Vec<_> = keys.filter_map(word).collect();
    words.join(", ")
}

fn about(section: &Section<'_>, hosts: &[HostEntry]) -> Result<Vec<String>, Box<CaseError>> {
    let mut about = Vec::new();
    for value in section.strings("hosts")? {
        let name = value.string()?;
        let names = || hosts.iter().map(|host| host.name.as_str());
        if !names().any(|n| n == name) {
            let all: Vec<_> = names().collect();
            let title = format!("the case has no host `{name}`");
            let label = format!("expected one of {}", all.join(", "));
            return Err(value.error(title, label).help(did_you_mean(&name, names())));
        }
        about.push(name);
    }
    Ok(about)
}

fn expected(section: &Section<'_>) -> Result<Expected, Box<CaseError>> {
    if let Some(hits) = section.get("hits") {
        return self::hits(section, &hits);
    }
    let packets = packets(section)?;
    let wanted = wanted(section)?;
    if section.boolean("none")?.unwrap_or(false) {
        if let Some(count) = section.get("count") {
            return Err(count.error("`count` beside `none`", "none is a count of 0"));
        }
        return Ok(Expected::None { packets, wanted });
    }
    let count = section.get("count").map(|v| count(&v)).transpose()?;
    Ok(Expected::All {
        packets,
        wanted,
        count: count.unwrap_or(Count::SOME),
    })
}

fn hits(section: &Section<'_>, hits: &Value<'_>) -> Result<Expected, Box<CaseError>> {
    let other = PACKETS.iter().chain(&WANTED).chain(&["count", "none"]);
    let odd = other
        .filter(|key| **key != "rule")
        .find_map(|key| section.get(key));
    if let Some(odd) = odd {
        let title = format!("`{}` beside `hits`", odd.key);
        return Err(odd.error(title, "hits counts all packets that the rule counts"));
    }
    let Some(rule) = section.get("rule") else {
        return Err(hits.error("`hits` of no rule", "expected a rule beside it"));
    };
    Ok(Expected::Hits {
        rule: self::rule(&rule)?,
        count: count(hits)?,
    })
}

fn packets(section: &Section<'_>) -> Result<Packets, Box<CaseError>> {
    let get = |key| section.get(key);
    let spans = |key| get(key).map_or(Ok(Vec::new()), |v| spans(&v));
    let mask = |key| get(key).map(|v| mask(&v)).transpose();
    Ok(Packets {
        packets: spans("packet")?,
        lines: spans("line")?,
        flow: get("flow").map(|v| ends(&v)).transpose()?,
        protocol: get("protocol").map(|v| protocol(&v)).transpose()?,
        source: mask("source")?,
        destination: mask("destination")?,
        address: mask("address")?,
        source_port: spans("source-port")?,
        destination_port: spans("destination-port")?,
        port: spans("port")?,
        iface: get("iface").map(|v| interface(&v)).transpose()?,
        direction: get("direction").map(|v| direction(&v)).transpose()?,
        state: named(section, "state", &STATES, ToString::to_string)?,
    })
}

fn wanted(section: &Section<'_>) -> Result<Wanted, Box<CaseError>> {
    let get = |key| section.get(key);
    Ok(Wanted {
        verdict: named(section, "verdict", &Verdict::ALL, ToString::to_string)?,
        fate: named(section, "fate", &Fate::ALL, ToString::to_string)?,
        rule: get("rule").map(|v| rule(&v)).transpose()?,
        translation: get("translation").map(|v| translation(&v)).transpose()?,
        out: get("out").map(|v| interface(&v)).transpose()?,
        mark: get("mark").map(|v| mark(&v)).transpose()?,
        reason: section.string("reason")?,
    })
}

/// Values by their names, in capitals or not.
fn named<T: Copy>(
    section: &Section<'_>,
    key: &'static str,
    all: &[T],
    name: impl Fn(&T) -> String,
) -> Result<Vec<T>, Box<CaseError>> {
    let mut found = Vec::new();
    for value in section.strings(key)? {
        let text = value.string()?;
        let is_it = |candidate: &&T| name(candidate).eq_ignore_ascii_case(&text);
        if let Some(one) = all.iter().find(is_it) {
            found.push(*one);
            continue;
        }
        let names: Vec<_> = all.iter().map(&name).collect();
        let near = |text: &str| did_you_mean(text, names.iter().map(String::as_str));
        let near = near(&text.to_uppercase()).or_else(|| near(&text));
        return Err(value.expected(&names.join(", ")).help(near));
    }
    Ok(found)
}

/// `3`, `"3-7"`, or a list of them.
fn spans(value: &Value<'_>) -> Result<Vec<Span>, Box<CaseError>> {
    let span = |value: Value<'_>| {
        let of_text = |text: &str| {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            (from <= to).then_some(from..=to)
        };
        let one = value.as_integer().map(|n| n..=n);
        one.or_else(|| value.as_str().and_then(of_text))
            .ok_or_else(|| value.expected("a number, \"FROM-TO\", or a list of them"))
    };
    value.list().into_iter().map(span).collect()
}

/// `3`, `">= 1"`, `{ at-least = 1, at-most = 5 }`.
fn count(value: &Value<'_>) -> Result<Count, Box<CaseError>> {
    if let Some(number) = value.as_integer() {
        return Ok(Count {
            least: number,
            most: number,
        });
    }
    if value.table().is_some() {
        let section = value.section(&["at-least", "at-most"])?;
        let bound = |key, or| match section.get(key) {
            Some(v) => v.integer(u64::MAX),
            None => Ok(or),
        };
        return Ok(Count {
            least: bound("at-least", 0)?,
            most: bound("at-most", u64::MAX)?,
        });
    }
    let read = value.as_str().and_then(Count::parse);
    read.ok_or_else(|| {
        value.expected("a number, \">= 1\", \"1-5\" or { at-least = 1, at-most = 5 }")
    })
}

fn mask(value: &Value<'_>) -> Result<AddrMask, Box<CaseError>> {
    let text = value.string()?;
    let family = if text.contains(':') {
        Family::V6
    } else {
        Family::V4
    };
    AddrMask::parse(family, &text).map_err(|_| {
        value.expected("an address or network: 198.51.100.7, 198.51.100.0/24, 2001:db8::/32")
    })
}

fn protocol(value: &Value<'_>) -> Result<Protocol, Box<CaseError>> {
    let by_number = |n: u64| u8::try_from(n).ok().map(Protocol);
    let number = value.as_integer().and_then(by_number);
    let named = || value.as_str().and_then(protocol_of);
    number
        .or_else(named)
        .ok_or_else(|| value.expected("a protocol such as tcp, udp, icmp, or its number"))
}

fn protocol_of(name: &str) -> Option<Protocol> {
    match name {
        "icmp6" | "icmpv6" | "ipv6-icmp" => Some(Protocol::ICMPV6),
        name => netverdict_ruleset::protocol::from_name(name),
    }
}

fn interface(value: &Value<'_>) -> Result<InterfaceName, Box<CaseError>> {
    InterfaceName::new(&value.string()?)
        .map_err(|_| value.expected("an interface name of at most 15 bytes"))
}

fn direction(value: &Value<'_>) -> Result<Direction, Box<CaseError>> {
    match value.string()?.as_str() {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        _ => Err(value.expected("in or out")),
    }
}

/// `0x1`, `1`, `"0x10/0xf0"`.
fn mark(value: &Value<'_>) -> Result<(u32, u32), Box<CaseError>> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    let of_text = |text: &str| {
        let (mark, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
        Some((number(mark)?, number(mask)?))
    };
    let integer = value.as_integer().and_then(|n| u32::try_from(n).ok());
    integer
        .map(|mark| (mark, u32::MAX))
        .or_else(|| of_text(value.as_str()?))
        .ok_or_else(|| value.expected("a mark, or \"MARK/MASK\""))
}

/// `tcp 198.51.100.7:40000 > 203.0.113.1:22`; the protocol and ports may be left out.
fn ends(value: &Value<'_>) -> Result<Ends, Box<CaseError>> {
    const FORM: &str =
        "PROTOCOL SOURCE > DESTINATION, such as tcp 198.51.100.7:40000 > 203.0.113.1:22";
    let text = value.string()?;
    let bad = || value.expected(FORM);
    let (left, right) = text.split_once('>').ok_or_else(bad)?;
    let left: Vec<&str> = left.split_whitespace().collect();
    let (protocol, source) = match left.as_slice() {
        [source] => (None, *source),
        [name, source] => (Some(protocol_of(name).ok_or_else(bad)?), *source),
        _ => return Err(bad()),
    };
    Ok(Ends {
        protocol,
        source: end(source).ok_or_else(bad)?,
        destination: end(right.trim()).ok_or_else(bad)?,
    })
}

/// `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`.
fn end(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, None));
    }
    let (address, port) = text.rsplit_once(':')?;
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
    let address = bare.unwrap_or(address).parse().ok()?;
    Some((address, Some(port.parse().ok()?)))
}

/// `"none"`, `"SOURCE > DESTINATION"` with `*` for any, or a table of parts.
fn translation(value: &Value<'_>) -> Result<Translation, Box<CaseError>> {
    const FORM: &str = "none, or SOURCE > DESTINATION as it leaves, such as 203.0.113.77 > 198.51.100.80:443 or * > 10.0.0.5:80";
    if value.table().is_some() {
        return translation_table(value);
    }
    let text = value.string()?;
    if text == "none" {
        return Ok(Translation::None);
    }
    let bad = || value.expected(FORM);
    let part = |text: &str| match text.trim() {
        "*" => Some((None, None)),
        text => end(text).map(|(address, port)| (Some(address), port)),
    };
    let (from, to) = text.split_once('>').ok_or_else(bad)?;
    let (source, source_port) = part(from).ok_or_else(bad)?;
    let (destination, destination_port) = part(to).ok_or_else(bad)?;
    Ok(Translation::To {
        source,
        source_port,
        destination,
        destination_port,
    })
}

fn translation_table(value: &Value<'_>) -> Result<Translation, Box<CaseError>> {
    let known = ["source", "source-port", "destination", "destination-port"];
    let section = value.section(&known)?;
    let address = |key| {
        let parse = |v: Value<'_>| {
            let address = v.string()?.parse::<IpAddr>();
            address.map_err(|_| v.expected("an address"))
        };
        section.get(key).map(parse).transpose()
    };
    let port = |key| {
        let port = section.get(key).map(|v| v.integer(u64::from(u16::MAX)));
        port.map(|port| port.map(|port| port as u16)).transpose()
    };
    Ok(Translation::To {
        source: address("source")?,
        source_port: port("source-port")?,
        destination: address("destination")?,
        destination_port: port("destination-port")?,
    })
}

/// `"filter INPUT 3"`, or a table of parts.
fn rule(value: &Value<'_>) -> Result<RuleQuery, Box<CaseError>> {
    if value.table().is_none() {
        const FORM: &str = "TABLE CHAIN NUMBER, such as filter INPUT 3, filter INPUT policy or filter INPUT, or { chain = \"INPUT\", comment = \"ssh\" }";
        let read = RuleQuery::parse(&value.string()?);
        return read.ok_or_else(|| value.expected(FORM));
    }
    let known = ["family", "table", "chain", "number", "comment", "text"];
    let section = value.section(&known)?;
    let tables: Vec<TableKind> = TableKind::ALL.to_vec();
    let table = named(&section, "table", &tables, |t| t.name().to_owned())?;
    let families = named(&section, "family", &Family::ALL, ToString::to_string)?;
    let number = section.get("number").map(|v| match v.as_str() {
        Some("policy") => Ok(Number::Policy),
        _ => v
            .integer(u64::from(u32::MAX))
            .map(|n| Number::Rule(n as u32)),
    });
    let query = RuleQuery {
        family: families.first().copied(),
        table: table.first().copied(),
        chain: section.string("chain")?,
        number: number.transpose()?,
        comment: section.string("comment")?,
        text: section.string("text")?,
    };
    if query == RuleQuery::default() {
        return Err(value.error(
            "a rule of which nothing is said",
            "expected table, chain, number, comment or text",
        ));
    }
    Ok(query)
}
