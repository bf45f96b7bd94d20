//! NV206: translation without a filter.

use netverdict_ruleset::{Hook, Policy, TableKind, Target};

use crate::Finding;
use crate::catalogue::NAT_WITHOUT_FILTER;
use crate::checks::{Context, Examined};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for nat in context.of_kind(TableKind::Nat) {
        let family = nat.dump.ruleset.family;
        let filter = context
            .of_kind(TableKind::Filter)
            .find(|f| f.dump.ruleset.family == family);
        if filter.is_some_and(filters_forward) {
            continue;
        }
        let translates = nat.rules().find(|(id, index, rule)| {
            let forwarded = matches!(
                rule.target,
                Some(Target::Dnat(_) | Target::Snat(_) | Target::Masquerade(_) | Target::Netmap(_))
            );
            forwarded && nat.is_live(*id, *index)
        });
        if let Some((id, index, rule)) = translates {
            findings.push(
                Finding::new(
                    NAT_WITHOUT_FILTER,
                    nat.place(id, index),
                    format!("{} translates, but nothing filters what is forwarded", nat.name(id)),
                )
                .label(format!("{} of forwarded packets", nat.action(rule)))
                .because(
                    "Translation is no filter: whoever is beside the host can send packets for the inner addresses to it, and \
                     it passes them on.",
                )
                .suggest(
                    "Set `-P FORWARD DROP`; accept RELATED,ESTABLISHED, new connections from inside, and what is translated \
                     (`--ctstate DNAT`).",
                ),
            );
        }
    }
}

/// Whether the FORWARD chain stops anything.
fn filters_forward(filter: &Examined<'_>) -> bool {
    let chain = filter
        .table
        .base(Hook::Forward)
        .and_then(|id| filter.table.chain(id));
    let drops = chain.and_then(netverdict_ruleset::Chain::policy) == Some(Policy::Drop);
    let rules = filter.chains_from(Hook::Forward).into_iter().any(|id| {
        let rules = filter.table.chain(id).map_or(&[][..], |c| &c.rules);
        let stops = |t: &Option<Target>| matches!(t, Some(Target::Drop | Target::Reject(_)));
        rules.iter().any(|r| stops(&r.target))
    });
    drops || rules
}
