//! NV209: RELATED for everything, where helpers announce connections.

use netverdict_net::Protocol;
use netverdict_ruleset::matches::CtStates;
use netverdict_ruleset::{Match, Rule, TableKind, Target};

use crate::catalogue::RELATED_HELPERS;
use crate::checks::Context;
use crate::{Finding, Severity};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let sysctls = context.subject.bundle.sysctls.as_ref();
    let automatic = sysctls.and_then(|s| s.text("net.netfilter.nf_conntrack_helper"));
    let automatic = automatic.is_some_and(|text| text.trim() == "1");
    for filter in context.of_kind(TableKind::Filter) {
        let family = filter.dump.ruleset.family;
        let mut raws = context.of_kind(TableKind::Raw);
        let raw = raws.find(|t| t.dump.ruleset.family == family);
        let assigned = raw.and_then(|raw| {
            let mut rules = raw.rules();
            let has =
                |rule: &Rule| matches!(&rule.target, Some(Target::Ct(ct)) if ct.helper.is_some());
            rules
                .find(|(_, _, rule)| has(rule))
                .map(|(id, index, _)| raw.place(id, index))
        });
        if !automatic && assigned.is_none() {
            continue;
        }
        let accepts = filter
            .rules()
            .find(|(id, index, rule)| accepts_related(rule) && filter.is_live(*id, *index));
        let Some((id, index, _)) = accepts else {
            continue;
        };
        let mut finding = Finding::new(
            RELATED_HELPERS,
            filter.place(id, index),
            format!("rule {} of {} accepts whatever a helper announces", index + 1, filter.name(id)),
        )
        .label("RELATED, of any protocol and helper")
        .suggest(
            "Accept ESTABLISHED and ICMP errors here, and announced connections by a rule with `-m helper --helper NAME` and \
             the ports that they may have.",
        );
        finding = if automatic {
            finding.severity(Severity::Warning).because(
                "net.netfilter.nf_conntrack_helper is 1: the kernel reads the payload of every connection to a helper's port, \
                 and whoever writes that payload opens ports.",
            )
        } else {
            finding.because(
                "What a helper reads out of a payload opens a port; this rule lets it be any.",
            )
        };
        if let Some(place) = assigned {
            finding = finding.related(place, "assigns the helper");
        }
        findings.push(finding);
    }
}

fn accepts_related(rule: &Rule) -> bool {
    let icmp = rule
        .protocol
        .is_some_and(|p| !p.inverted && matches!(p.value, Protocol::ICMP | Protocol::ICMPV6));
    let related = |m: &Match| match m {
        Match::Conntrack(m) => m
            .states
            .is_some_and(|s| !s.inverted && s.value.intersects(CtStates::RELATED)),
        _ => false,
    };
    let by_helper = rule.matches.iter().any(|m| matches!(m, Match::Helper(_)));
    rule.target == Some(Target::Accept) && !icmp && !by_helper && rule.matches.iter().any(related)
}
