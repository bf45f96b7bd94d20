//! What other missing files mean: no connections before the capture, unknown sets, one family without rules.

use netverdict_net::Family;
use netverdict_ruleset::{Match, Target};

use super::Work;
use crate::{Assumption, SourceKind, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    other_family(work);
    if work.bundle.connections.is_none() && tracks(work) {
        work.assume(Assumption::new(
            Subject::Connections,
            "no connection existed before the capture",
            "conntrack, the output of conntrack -L -o extended",
        ));
    }
    if work.bundle.source(SourceKind::Ipset).is_none() && uses_sets(work) {
        work.assume(Assumption::new(
            Subject::Sets,
            "what the sets that rules name hold is unknown",
            "ipset-save",
        ));
    }
    if work.rulesets.iter().any(|r| r.backend.is_none()) && work.overrides.backend.is_none() {
        work.assume(Assumption::new(
            Subject::Backend,
            "the dump does not say which backend printed it: legacy",
            "--backend legacy|nft",
        ));
    }
    let hz = work.overrides.hz;
    if hz.is_none() && counts_time(work) {
        work.assume(Assumption::new(
            Subject::Tick,
            "the kernel ticks 250 times a second",
            "--hz N",
        ));
    }
}

fn other_family(work: &mut Work<'_>) {
    for family in Family::ALL {
        let ruled = work.rulesets.iter().any(|r| r.family == family);
        let seen = work
            .survey
            .interfaces
            .values()
            .any(|s| s.addresses.keys().any(|a| Family::of(*a) == family));
        if seen && !ruled {
            work.assume(Assumption::new(
                Subject::OtherFamily,
                format!("there are no {family} rules: every {family} packet is accepted"),
                format!("{}, --also FILE", family.save_command()),
            ));
        }
    }
}

fn tracks(work: &Work<'_>) -> bool {
    let mut rules = work.rulesets.iter().flat_map(|r| r.rules());
    rules.any(|(_, rule)| {
        let target = matches!(
            rule.target,
            Some(
                Target::Snat(_)
                    | Target::Dnat(_)
                    | Target::Masquerade(_)
                    | Target::Redirect(_)
                    | Target::Netmap(_)
                    | Target::Connmark(_)
                    | Target::Ct(_)
                    | Target::Synproxy(_)
            )
        );
        target || rule.matches.iter().any(is_stateful)
    })
}

fn is_stateful(m: &Match) -> bool {
    matches!(
        m.name(),
        "conntrack"
            | "state"
            | "connmark"
            | "connbytes"
            | "connlimit"
            | "connlabel"
            | "helper"
            | "cluster"
    )
}

fn uses_sets(work: &Work<'_>) -> bool {
    let mut rules = work.rulesets.iter().flat_map(|r| r.rules());
    rules.any(|(_, rule)| {
        matches!(rule.target, Some(Target::Set(_)))
            || rule.matches.iter().any(|m| m.name() == "set")
    })
}

/// Matches whose arithmetic is in ticks.
fn counts_time(work: &Work<'_>) -> bool {
    let mut rules = work.rulesets.iter().flat_map(|r| r.rules());
    rules.any(|(_, rule)| {
        rule.matches
            .iter()
            .any(|m| matches!(m.name(), "limit" | "hashlimit" | "recent"))
    })
}
