//! NV208: ports that Docker publishes do not pass INPUT.

use netverdict_ruleset::{Hook, Policy, Rule, TableKind, Target};

use crate::Finding;
use crate::catalogue::DOCKER_BYPASS;
use crate::checks::{Context, Examined};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for nat in context.of_kind(TableKind::Nat) {
        let Some(docker) = nat.table.find("DOCKER") else {
            continue;
        };
        let family = nat.dump.ruleset.family;
        let mut filters = context.of_kind(TableKind::Filter);
        let Some(filter) = filters.find(|f| f.dump.ruleset.family == family) else {
            continue;
        };
        // Who filters nothing is not surprised.
        let input = filter
            .table
            .base(Hook::Input)
            .and_then(|id| filter.table.chain(id));
        if input.and_then(netverdict_ruleset::Chain::policy) != Some(Policy::Drop)
            || user_filters(filter)
        {
            continue;
        }
        let published: Vec<_> = nat
            .rules()
            .filter(|(id, _, rule)| *id == docker && is_published(rule))
            .collect();
        let Some((id, index, _)) = published.first() else {
            continue;
        };
        let mut finding = Finding::new(
            DOCKER_BYPASS,
            nat.place(*id, *index),
            format!("{} that Docker publishes bypass{} filter INPUT", crate::names::count(published.len(), "port"), if published.len() == 1 { "es" } else { "" }),
        )
        .label("translated before the filter sees it")
        .because(
            "The destination is translated in PREROUTING, so that these packets go through FORWARD, where Docker's own rules \
             accept them. INPUT, with its policy DROP, never sees them: the containers are open to everybody who reaches the \
             host.",
        )
        .suggest(
            "Filter in DOCKER-USER (`-m conntrack --ctorigdstport` names the published port), or publish on an address: \
             `-p 127.0.0.1:8080:80`.",
        );
        for (id, index, _) in published.iter().skip(1).take(8) {
            finding = finding.related(nat.place(*id, *index), "published, too");
        }
        findings.push(finding);
    }
}

/// A published port that strangers may ask for.
fn is_published(rule: &Rule) -> bool {
    let local = rule.destination.is_some_and(|d| {
        !d.inverted && matches!(d.value.addr(), std::net::IpAddr::V4(a) if a.is_loopback())
    });
    matches!(rule.target, Some(Target::Dnat(_))) && !local && rule.source.is_none()
}

/// Whether DOCKER-USER stops anything.
fn user_filters(filter: &Examined<'_>) -> bool {
    let chain = filter
        .table
        .find("DOCKER-USER")
        .and_then(|id| filter.table.chain(id));
    let stops = |rule: &Rule| {
        matches!(
            rule.target,
            Some(Target::Drop | Target::Reject(_) | Target::Jump(_) | Target::Goto(_))
        )
    };
    chain.is_some_and(|c| c.rules.iter().any(stops))
}
