//! NV201, NV202: what no rule stops is accepted.

use netverdict_net::Family;
use netverdict_ruleset::{Hook, Policy, TableKind, Target};

use crate::catalogue::{FORWARD_OPEN, INPUT_OPEN};
use crate::checks::{Context, Examined};
use crate::{Finding, Severity};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for filter in context.of_kind(TableKind::Filter) {
        if let Some(rules) = accepts_by_policy(filter, Hook::Input) {
            findings.push(input(filter, rules));
        }
        let forwards = forwards(context, filter.dump.ruleset.family);
        if let Some(rules) = accepts_by_policy(filter, Hook::Forward).filter(|_| forwards) {
            findings.push(forward(filter, rules));
        }
    }
}

/// Whether the host passes packets on, as far as its files tell.
pub(super) fn forwards(context: &Context<'_>, family: Family) -> bool {
    let key = match family {
        Family::V4 => "net.ipv4.ip_forward",
        Family::V6 => "net.ipv6.conf.all.forwarding",
    };
    let sysctls = context.subject.bundle.sysctls.as_ref();
    sysctls
        .and_then(|s| s.text(key))
        .is_some_and(|text| text.trim() != "0")
}

/// How many rules a chain with the policy ACCEPT has, if packets may come as far as the policy.
fn accepts_by_policy(filter: &Examined<'_>, hook: Hook) -> Option<usize> {
    let chain = filter
        .table
        .base(hook)
        .and_then(|id| filter.table.chain(id))?;
    let open = chain.policy() == Some(Policy::Accept) && filter.meets_policy(hook);
    open.then_some(chain.rules.len())
}

/// Whether anything that the hook leads to drops or rejects.
fn stops_something(filter: &Examined<'_>, hook: Hook) -> bool {
    filter.chains_from(hook).into_iter().any(|id| {
        let rules = filter.table.chain(id).map_or(&[][..], |c| &c.rules);
        rules.iter().enumerate().any(|(index, rule)| {
            matches!(rule.target, Some(Target::Drop | Target::Reject(_)))
                && filter.is_live(id, index)
        })
    })
}

fn input(filter: &Examined<'_>, rules: usize) -> Finding {
    let finding = Finding::new(
        INPUT_OPEN,
        filter.policy_place(Hook::Input),
        if rules == 0 {
            "filter INPUT has no rules and accepts everything"
        } else {
            "filter INPUT accepts what no rule stops"
        },
    )
    .label("packets get as far as this policy")
    .suggest("Accept what is wanted by rules (established connections, loopback, ICMP, services) and set `-P INPUT DROP`.");
    if stops_something(filter, Hook::Input) {
        finding.because(
            "The rules list what is refused, so that every service that nobody thought of is open: a new one is reachable as \
             soon as it listens.",
        )
    } else {
        finding.because("Nothing is refused: every service that listens on this host is reachable.")
    }
}

fn forward(filter: &Examined<'_>, rules: usize) -> Finding {
    Finding::new(
        FORWARD_OPEN,
        filter.policy_place(Hook::Forward),
        if rules == 0 {
            "filter FORWARD has no rules and passes everything on"
        } else {
            "filter FORWARD passes on what no rule stops"
        },
    )
    .severity(if rules == 0 || !stops_something(filter, Hook::Forward) {
        Severity::Warning
    } else {
        Severity::Note
    })
    .label("packets get as far as this policy")
    .because(
        "Forwarding is on, so that whoever can send packets to this host can send them through it, in every direction.",
    )
    .suggest("Accept the directions that are wanted by rules and set `-P FORWARD DROP`.")
}
