//! NV210: LOG without a limit.

use hashbrown::HashSet;
use netverdict_ruleset::{ChainId, Match, Rule, Target};

use crate::Finding;
use crate::catalogue::LOG_UNLIMITED;
use crate::checks::{Context, Examined};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for examined in &context.tables {
        let unlimited = unlimited_chains(examined);
        for (id, index, rule) in examined.rules() {
            let logs = matches!(rule.target, Some(Target::Log(_)));
            if !logs || limits(rule) || !unlimited.contains(&id) || !examined.is_live(id, index) {
                continue;
            }
            findings.push(
                Finding::new(
                    LOG_UNLIMITED,
                    examined.place(id, index),
                    format!("rule {} of {} logs without a limit", index + 1, examined.name(id)),
                )
                .label("one line of log for each packet")
                .because(
                    "Whoever can send such packets decides how fast the log grows, until the disk is full or the lines that \
                     matter are lost.",
                )
                .suggest("Add `-m limit --limit 10/min --limit-burst 20` before `-j LOG`."),
            );
        }
    }
}

fn limits(rule: &Rule) -> bool {
    let limit = |m: &Match| {
        matches!(
            m,
            Match::Limit(_)
                | Match::Hashlimit(_)
                | Match::Recent(_)
                | Match::Statistic(_)
                | Match::Quota(_)
                | Match::Connlimit(_)
        )
    };
    rule.matches.iter().any(limit)
}

/// Chains that can be come to without passing a limit.
fn unlimited_chains(examined: &Examined<'_>) -> HashSet<ChainId, foldhash::quality::FixedState> {
    let mut found = HashSet::default();
    let bases = examined.table.chains().filter(|(_, c)| c.hook().is_some());
    let mut open: Vec<ChainId> = bases.map(|(id, _)| id).collect();
    while let Some(id) = open.pop() {
        if !found.insert(id) {
            continue;
        }
        let rules = examined.table.chain(id).map_or(&[][..], |c| &c.rules);
        for rule in rules.iter().filter(|r| !limits(r)) {
            if let Some(Target::Jump(to) | Target::Goto(to)) = rule.target {
                open.push(to);
            }
        }
    }
    found
}
