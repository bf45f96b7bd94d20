//! NV207: one family is filtered, the other is not.

use netverdict_net::Family;
use netverdict_ruleset::{Hook, Policy, TableKind, Target};

use crate::Finding;
use crate::catalogue::ASYMMETRIC;
use crate::checks::{Context, Examined};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let guarded = |family| {
        let mut filters = context.of_kind(TableKind::Filter);
        let filter = filters.find(|f: &&Examined<'_>| f.dump.ruleset.family == family);
        filter.is_some_and(guards_input)
    };
    for (family, other) in [(Family::V4, Family::V6), (Family::V6, Family::V4)] {
        if !guarded(family) || guarded(other) {
            continue;
        }
        let dump = |family| {
            let mut dumps = context.subject.dumps.iter();
            dumps.find(|d: &&crate::Dump<'_>| d.ruleset.family == family)
        };
        let Some(open) = dump(other) else {
            // A dump that was not given says nothing; addresses that were, do.
            if let (true, Some(dump)) = (has_global(context, other), dump(family)) {
                findings.push(missing(dump, other));
            }
            continue;
        };
        let mut filters = context.of_kind(TableKind::Filter);
        let place = filters
            .find(|f| f.dump.ruleset.family == other)
            .map_or_else(|| open.whole(), |f| f.policy_place(Hook::Input));
        findings.push(
            Finding::new(
                ASYMMETRIC,
                place,
                format!("{family} input is filtered, {other} input is not"),
            )
            .label(format!("{other} packets come in unfiltered"))
            .because(format!(
                "A service that the {family} rules protect is reachable over {other}, which most hosts have an address of, if \
                 only a link-local one."
            ))
            .suggest(format!("Give {other} the same rules, with its own ICMP.")),
        );
    }
}

fn missing(dump: &crate::Dump<'_>, other: Family) -> Finding {
    Finding::new(
        ASYMMETRIC,
        dump.whole(),
        format!("the host has {other} addresses, but no {other} rules were given"),
    )
    .severity(crate::Severity::Note)
    .because(format!("Nothing tells whether {other} is filtered."))
    .suggest("Add the other family's dump to the bundle, or name it with `--also`.")
}

/// Whether the host's own listing shows addresses of a family beyond the link.
fn has_global(context: &Context<'_>, family: Family) -> bool {
    let interfaces = context.subject.bundle.interfaces.iter().flatten();
    let mut addresses = interfaces
        .filter(|i| !i.is_loopback())
        .flat_map(|i| i.addresses_of(family));
    addresses.any(|a| match a.local {
        std::net::IpAddr::V4(_) => true,
        std::net::IpAddr::V6(a) => a.segments()[0] & 0xffc0 != 0xfe80,
    })
}

/// Whether a family's input meets anything that stops it.
fn guards_input(filter: &Examined<'_>) -> bool {
    let chain = filter
        .table
        .base(Hook::Input)
        .and_then(|id| filter.table.chain(id));
    let drops = chain.and_then(netverdict_ruleset::Chain::policy) == Some(Policy::Drop);
    let ends = filter.chains_from(Hook::Input).into_iter().any(|id| {
        let rules = filter.table.chain(id).map_or(&[][..], |c| &c.rules);
        rules.iter().any(|r| {
            let stops = matches!(r.target, Some(Target::Drop | Target::Reject(_)));
            stops && crate::same::is_bare(r)
        })
    });
    drops || ends
}
