//! `ip -j rule`.

use std::collections::BTreeMap;

use netverdict_net::{AddrMask, Family, InterfaceName, PortRange, Protocol};
use serde::Deserialize;
use serde_json::Value;

use super::{At, JsonError, Number, address::group, entries, tos};
use crate::{PolicyRule, RuleAction, TableId};

#[derive(Deserialize)]
struct Entry {
    priority: u32,
    #[serde(default, deserialize_with = "present")]
    not: bool,
    src: Option<String>,
    srclen: Option<u8>,
    dst: Option<String>,
    dstlen: Option<u8>,
    tos: Option<Number>,
    dscp: Option<Number>,
    fwmark: Option<Number>,
    fwmask: Option<Number>,
    #[serde(alias = "iifname")]
    iif: Option<String>,
    #[serde(alias = "oifname")]
    oif: Option<String>,
    ipproto: Option<String>,
    sport: Option<u16>,
    sport_start: Option<u16>,
    sport_end: Option<u16>,
    dport: Option<u16>,
    dport_start: Option<u16>,
    dport_end: Option<u16>,
    uid_start: Option<u32>,
    uid_end: Option<u32>,
    table: Option<String>,
    goto: Option<Number>,
    action: Option<String>,
    suppress_prefixlen: Option<u8>,
    suppress_ifgroup: Option<String>,
    #[serde(default, deserialize_with = "present")]
    nop: bool,
    #[serde(default, deserialize_with = "present")]
    l3mdev: bool,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// A key that is there or not; its value is null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Keys that select nothing.
const HARMLESS: &[&str] = &[
    "protocol",
    "flags",
    "iif_detached",
    "oif_detached",
    "unresolved",
    "to_tbl",
];

/// Reads one family's policy rules in their order.
pub fn parse_rules(text: &str, family: Family) -> Result<Vec<PolicyRule>, JsonError> {
    let list: Vec<Entry> = entries(text, "ip -j rule")?;
    (1..)
        .zip(list)
        .map(|(entry, rule)| parse(entry, rule, family))
        .collect()
}

fn parse(entry: usize, rule: Entry, family: Family) -> Result<PolicyRule, JsonError> {
    let at = |field| At { entry, field };
    let number = |field, n: &Option<Number>| n.as_ref().map(|n| n.read(at(field))).transpose();
    let name = |field, text: &Option<String>| {
        text.as_deref()
            .map(|t| {
                InterfaceName::new(t).map_err(|e| at(field).bad(t, format!("is no name: {e}")))
            })
            .transpose()
    };
    let mark = number("fwmark", &rule.fwmark)?;
    let mask = number("fwmask", &rule.fwmask)?;
    let suppressed = rule.suppress_ifgroup.as_deref().map(group);
    // A group's name that only the host's `group` file knows.
    let unknown_group = (suppressed == Some(None)).then(|| "suppress_ifgroup".into());
    Ok(PolicyRule {
        priority: rule.priority,
        not: rule.not,
        from: prefix(at("src"), rule.src.as_deref(), rule.srclen, family)?,
        to: prefix(at("dst"), rule.dst.as_deref(), rule.dstlen, family)?,
        tos: rule.tos.as_ref().map_or(Ok(0), |t| tos(t, at("tos")))?,
        dscp: number("dscp", &rule.dscp)?.map(|d| d as u8),
        mark: mark.unwrap_or(0),
        mark_mask: mask.unwrap_or(if mark.is_some() { u32::MAX } else { 0 }),
        iif: name("iif", &rule.iif)?,
        oif: name("oif", &rule.oif)?,
        protocol: rule
            .ipproto
            .as_deref()
            .map(|p| protocol(p).ok_or_else(|| at("ipproto").bad(p, "is no protocol known here")))
            .transpose()?,
        source_ports: ports(rule.sport, rule.sport_start, rule.sport_end),
        destination_ports: ports(rule.dport, rule.dport_start, rule.dport_end),
        uids: rule.uid_start.zip(rule.uid_end),
        suppress_prefix_len: rule.suppress_prefixlen,
        suppress_group: suppressed.flatten(),
        unknown_selectors: rule
            .rest
            .keys()
            .filter(|k| !HARMLESS.contains(&k.as_str()))
            .map(|k| k.as_str().into())
            .chain(unknown_group)
            .collect(),
        action: action(at("action"), &rule)?,
    })
}

fn prefix(
    at: At,
    text: Option<&str>,
    len: Option<u8>,
    family: Family,
) -> Result<Option<AddrMask>, JsonError> {
    let Some(text) = text.filter(|t| *t != "all") else {
        return Ok(None);
    };
    let prefix = at.prefix(text, family)?;
    Ok(Some(match len {
        Some(len) => AddrMask::prefix(prefix.addr(), len),
        None => prefix,
    }))
}

fn ports(one: Option<u16>, start: Option<u16>, end: Option<u16>) -> Option<PortRange> {
    match (one, start, end) {
        (Some(port), ..) => Some(PortRange::single(port)),
        (None, Some(start), Some(end)) => Some(PortRange { start, end }),
        _ => None,
    }
}

fn protocol(text: &str) -> Option<Protocol> {
    Some(match text {
        "icmp" => Protocol::ICMP,
        "tcp" => Protocol::TCP,
        "udp" => Protocol::UDP,
        "dccp" => Protocol::DCCP,
        "gre" => Protocol::GRE,
        "esp" => Protocol::ESP,
        "ah" => Protocol::AH,
        "ipv6-icmp" => Protocol::ICMPV6,
        "sctp" => Protocol::SCTP,
        "udplite" => Protocol::UDPLITE,
        number => Protocol(number.trim_start_matches("ipproto-").parse().ok()?),
    })
}

fn action(at: At, rule: &Entry) -> Result<RuleAction, JsonError> {
    if let Some(target) = &rule.goto {
        return Ok(RuleAction::Goto(target.read(at)?));
    }
    if rule.l3mdev {
        return Ok(RuleAction::L3Master);
    }
    Ok(match (rule.action.as_deref(), &rule.table) {
        (Some("blackhole"), _) => RuleAction::Blackhole,
        (Some("unreachable"), _) => RuleAction::Unreachable,
        (Some("prohibit"), _) => RuleAction::Prohibit,
        (Some("nop"), _) => RuleAction::Nop,
        (None, _) if rule.nop => RuleAction::Nop,
        (None | Some("to_tbl"), Some(table)) => RuleAction::Lookup(TableId::parse(table)),
        (None, None) => return Err(at.bad("", "is missing: the rule has no table either")),
        (Some(other), _) => return Err(at.bad(other, "is no action known here")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_printed_is_read_whole() {
        let rules = parse_rules(include_str!("../../testdata/ip-rule.json"), Family::V4).unwrap();
        insta::assert_debug_snapshot!(rules);
        let six = parse_rules(include_str!("../../testdata/ip6-rule.json"), Family::V6).unwrap();
        assert_eq!(six[1].iif, Some(InterfaceName::loopback()));
        assert_eq!(
            six[1].from.map(|f| f.to_string()).as_deref(),
            Some("2001:db8::/64")
        );
    }

    #[test]
    fn the_rules_of_an_untouched_host_are_the_defaults() {
        let text = r#"[{"priority":0,"src":"all","table":"local"},{"priority":32766,"src":"all","table":"main"},{"priority":32767,"src":"all","table":"default"}]"#;
        assert_eq!(
            parse_rules(text, Family::V4).unwrap(),
            PolicyRule::defaults(Family::V4)
        );
    }

    #[test]
    fn a_selector_nobody_knows_is_kept_by_name() {
        let text = r#"[{"priority":5,"src":"all","tun_id":7,"table":"main"}]"#;
        let rules = parse_rules(text, Family::V4).unwrap();
        assert_eq!(rules[0].unknown_selectors, ["tun_id".into()]);
    }
}
