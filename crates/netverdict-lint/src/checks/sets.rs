//! NV211, NV212: sets that are empty or missing.

use std::collections::BTreeMap;

use netverdict_ruleset::{ChainId, Match, Rule, Target};

use crate::Finding;
use crate::catalogue::{SET_EMPTY, SET_MISSING};
use crate::checks::{Context, Examined};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(sets) = context.subject.sets else {
        return;
    };
    let filled = filled(context);
    let mut asked: BTreeMap<&str, Vec<(&Examined<'_>, ChainId, usize)>> = BTreeMap::new();
    for examined in &context.tables {
        for (id, index, rule) in examined.rules() {
            for name in asks(rule) {
                asked.entry(name).or_default().push((examined, id, index));
            }
        }
    }
    for (name, rules) in asked {
        let Some((examined, id, index)) = rules.first() else {
            continue;
        };
        let place = examined.place(*id, *index);
        let others = rules.len() - 1;
        let and = if others == 0 {
            String::new()
        } else {
            format!(" (and {} more)", crate::names::count(others, "rule"))
        };
        match sets.get(name) {
            None => findings.push(
                Finding::new(SET_MISSING, place, format!("set {name} is not among the host's sets"))
                    .label(format!("asks set {name}{and}"))
                    .because("iptables-restore refuses a rule that names a set which does not exist, and with it the whole table.")
                    .suggest("Create the set before the rules are restored, or remove the rules."),
            ),
            Some(set) if set.entries.is_empty() && !filled.contains(&name) => findings.push(
                Finding::new(SET_EMPTY, place, format!("set {name} is empty"))
                    .label(format!("asks set {name}{and}"))
                    .because("A test of an empty set never holds, and its inversion always does. No rule adds to the set.")
                    .suggest("Check whatever is to fill the set: it may have failed, or the set may have been restored without its entries."),
            ),
            Some(_) => {}
        }
    }
}

fn asks(rule: &Rule) -> impl Iterator<Item = &str> {
    rule.matches.iter().filter_map(|m| match m {
        Match::Set(set) => Some(set.reference.name.as_str()),
        _ => None,
    })
}

/// Sets that rules add to.
fn filled<'s>(context: &Context<'s>) -> Vec<&'s str> {
    let rules = context.tables.iter().flat_map(|t| t.table.rules());
    rules
        .filter_map(|(_, rule)| match &rule.target {
            Some(Target::Set(set)) => set.add.as_ref().map(|r| r.name.as_str()),
            _ => None,
        })
        .collect()
}
