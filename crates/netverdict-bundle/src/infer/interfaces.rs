//! Interfaces: those of `ip -j addr`, else those that captures, rules and flags name.

use std::collections::BTreeSet;

use netverdict_host::Interface;
use netverdict_net::InterfaceName;

use super::{Work, list};
use crate::{Assumption, Subject};

pub(super) fn infer(work: &mut Work<'_>) {
    if let Some(given) = &work.bundle.interfaces {
        work.facts.interfaces.clone_from(given);
        work.facts.addresses_known = true;
        return;
    }
    work.facts.interfaces = vec![Interface::loopback()];
    let captured: BTreeSet<_> = work.survey.named().collect();
    let flagged = work
        .overrides
        .interface
        .into_iter()
        .chain(work.overrides.local.iter().filter_map(|l| l.interface));
    let mut names: Vec<InterfaceName> = flagged.chain(captured).collect();
    names.extend(of_rules(work));
    let mut added = Vec::new();
    for name in names {
        if work.facts.interfaces.iter().all(|i| i.name != name) {
            work.facts.interfaces.push(Interface::new(name));
            added.push(name);
        }
    }
    let text = if added.is_empty() {
        "the host's interfaces are not known".to_owned()
    } else {
        format!(
            "the host's interfaces are lo and {}: those that the captures, rules and flags name",
            list(&added)
        )
    };
    work.assume(Assumption::new(
        Subject::Interfaces,
        text,
        "ip-addr.json, --iface NAME",
    ));
}

/// Interfaces that rules name in full, in the order of the rules; a negated one exists as well.
fn of_rules(work: &Work<'_>) -> Vec<InterfaceName> {
    let rules = work.rulesets.iter().flat_map(|r| r.rules());
    let mut names = Vec::new();
    for (_, rule) in rules {
        let patterns = [&rule.in_interface, &rule.out_interface];
        for pattern in patterns.into_iter().flatten() {
            let text = pattern.value.as_str();
            if text.ends_with('+') || text.is_empty() {
                continue;
            }
            names.extend(InterfaceName::new(text).ok().filter(|n| !names.contains(n)));
        }
    }
    names
}
