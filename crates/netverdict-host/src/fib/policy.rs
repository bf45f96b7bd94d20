//! Whether a policy rule selects a flow (`fib_rule_match`, `fib4_rule_match`, `fib6_rule_match`).

use netverdict_net::{Device, Family, InterfaceName};

use super::Flow;
use crate::PolicyRule;

/// The bits of an IPv4 TOS that rules and routes compare (`INET_DSCP_LEGACY_TOS_MASK`).
pub(super) const TOS_MASK: u8 = 0x1c;

/// `None` where the rule asks something that is not known and everything else fits.
pub(super) fn matches(rule: &PolicyRule, flow: &Flow) -> Option<bool> {
    let answers = [
        Some((flow.mark ^ rule.mark) & rule.mark_mask == 0),
        Some(rule.from.is_none_or(|m| m.contains(flow.source))),
        Some(rule.to.is_none_or(|m| m.contains(flow.destination))),
        Some(rule.tos == 0 || rule.tos == flow.tos & tos_mask(flow)),
        Some(rule.dscp.is_none_or(|d| d == flow.tos >> 2)),
        rule.iif
            .map_or(Some(true), |name| is_device(flow.iif, name)),
        Some(rule.oif.is_none_or(|name| flow.oif == Some(name))),
        asked(rule.protocol, flow.protocol, |a, b| a == b),
        asked(rule.source_ports, flow.ports, |a, b| a.contains(b.0)),
        asked(rule.destination_ports, flow.ports, |a, b| a.contains(b.1)),
        asked(rule.uids, flow.uid, |a, b| a.0 <= b && b <= a.1),
        rule.unknown_selectors.is_empty().then_some(true),
    ];
    let all = if answers.contains(&Some(false)) {
        Some(false)
    } else if answers.contains(&None) {
        None
    } else {
        Some(true)
    };
    all.map(|selected| selected != rule.not)
}

/// IPv6 compares the whole DSCP.
fn tos_mask(flow: &Flow) -> u8 {
    match Family::of(flow.destination) {
        Family::V4 => TOS_MASK,
        Family::V6 => 0xfc,
    }
}

fn is_device(device: Device, name: InterfaceName) -> Option<bool> {
    match device {
        Device::Named(is) => Some(is == name),
        Device::Absent => Some(false),
        Device::Unknown => None,
    }
}

fn asked<A, B>(rule: Option<A>, flow: Option<B>, fits: impl Fn(A, B) -> bool) -> Option<bool> {
    match (rule, flow) {
        (None, _) => Some(true),
        (Some(_), None) => None,
        (Some(a), Some(b)) => Some(fits(a, b)),
    }
}
