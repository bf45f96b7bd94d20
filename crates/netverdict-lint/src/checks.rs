//! The review: every check, over every table.

mod accept_all;
mod docker;
mod established;
mod families;
mod icmp;
mod logging;
mod loopback;
mod management;
mod nat;
mod policies;
mod related;
mod sets;
mod stuck;
mod unused;

use std::sync::OnceLock;

use netverdict_ruleset::{ChainId, Hook, Policy, Table, TableKind, Target};
use rayon::prelude::*;

use crate::algebra::{Full, Set};
use crate::finding::{Finding, settle};
use crate::reach::Reach;
use crate::subject::{Dump, Subject};
use crate::{catalogue, effects, names};

/// What a review found.
#[derive(Debug, Default)]
pub struct Review {
    /// In order of files and lines, each with its fingerprint; none is silenced yet.
    pub findings: Vec<Finding>,
    /// Rules that no packet can match: by the subject's dump, table, chain and number, from 1.
    pub dead: Vec<Dead>,
}

/// A rule that no packet can match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dead {
    /// Index of the dump.
    pub dump: usize,
    pub table: TableKind,
    pub chain: ChainId,
    /// From 1.
    pub number: u32,
}

/// One table under review.
#[derive(Debug)]
pub(crate) struct Examined<'s> {
    pub(crate) dump: &'s Dump<'s>,
    pub(crate) table: &'s Table,
    /// `None` where it is too complex.
    pub(crate) reach: Option<Reach>,
    /// What it may accept at each hook: several checks ask.
    accepted: [OnceLock<Option<Result<Set, Full>>>; 5],
}

/// A host under review, with what can happen in each of its tables.
#[derive(Debug)]
pub(crate) struct Context<'s> {
    pub(crate) subject: &'s Subject<'s>,
    pub(crate) tables: Vec<Examined<'s>>,
}

type Checker = fn(&Context<'_>, &mut Vec<Finding>);

/// Every check that looks at a host as a whole.
const CHECKS: [Checker; 12] = [
    policies::check,
    accept_all::check,
    management::check,
    established::check,
    loopback::check,
    nat::check,
    families::check,
    docker::check,
    related::check,
    logging::check,
    sets::check,
    icmp::check,
];

/// Reviews a host.
pub fn lint(subject: &Subject<'_>) -> Review {
    let tables: Vec<_> = subject
        .dumps
        .iter()
        .enumerate()
        .flat_map(|(index, dump)| dump.ruleset.tables.iter().map(move |t| (index, dump, t)))
        .collect();
    let reviewed: Vec<_> = tables
        .par_iter()
        .map(|(index, dump, table)| {
            let target = Examined {
                dump,
                table,
                reach: Reach::of(dump.ruleset, table),
                accepted: Default::default(),
            };
            let mut findings = Vec::new();
            unused::check(&target, &mut findings);
            match &target.reach {
                Some(reach) => stuck::check(&target, reach, &mut findings),
                None => findings.push(not_analysed(&target)),
            }
            let dead = dead(*index, &target);
            (target, findings, dead)
        })
        .collect();
    let mut review = Review::default();
    let mut context = Context {
        subject,
        tables: Vec::new(),
    };
    for (target, findings, dead) in reviewed {
        context.tables.push(target);
        review.findings.extend(findings);
        review.dead.extend(dead);
    }
    let found: Vec<_> = CHECKS
        .par_iter()
        .map(|check| {
            let mut findings = Vec::new();
            check(&context, &mut findings);
            findings
        })
        .collect();
    review.findings.extend(found.into_iter().flatten());
    review.dead.sort_unstable();
    settle(&mut review.findings);
    review
}

fn dead(dump: usize, target: &Examined<'_>) -> Vec<Dead> {
    let Some(reach) = &target.reach else {
        return Vec::new();
    };
    let chains = target.table.chains();
    let rules = chains.flat_map(|(chain, _)| {
        let rules = reach.chain(chain).map_or(&[][..], |c| &c.rules);
        (1..)
            .zip(rules)
            .map(move |(number, rule)| (chain, number, rule))
    });
    rules
        .filter(|(_, _, rule)| rule.is_dead())
        .map(|(chain, number, _)| Dead {
            dump,
            table: target.table.kind,
            chain,
            number,
        })
        .collect()
}

fn not_analysed(target: &Examined<'_>) -> Finding {
    let table = target.table.kind;
    Finding::new(
        catalogue::NOT_ANALYSED,
        target.dump.table(target.table),
        format!("the {table} table was not searched for dead rules"),
    )
    .because(
        "Its rules lead in a circle, or together they tell too many kinds of packets apart. Checks that depend on what \
         reaches a rule say nothing about this table.",
    )
    .suggest("Split the table's longest chain by interface or protocol; ipsets replace long lists of addresses.")
}

impl<'s> Context<'s> {
    /// The tables of a kind.
    pub(crate) fn of_kind(&self, kind: TableKind) -> impl Iterator<Item = &Examined<'s>> {
        self.tables.iter().filter(move |t| t.table.kind == kind)
    }
}

impl Examined<'_> {
    /// Packets that this table may accept at a hook; every one of them, where it is too complex to tell.
    pub(crate) fn accepted_at(&self, hook: Hook) -> Option<Result<Set, Full>> {
        let find = || {
            let reach = self.reach.as_ref()?;
            let base = self.table.base(hook)?;
            Some(self.accepted(reach, base, hook))
        };
        let kept = self.accepted.get(hook as usize)?;
        kept.get_or_init(find).clone()
    }

    fn accepted(&self, reach: &Reach, base: ChainId, hook: Hook) -> Result<Set, Full> {
        let mut accepted = reach.space.none();
        for id in self.chains_from(hook) {
            let own = self.table.chain(id).map_or(&[][..], |c| &c.rules);
            let rules = reach.chain(id).map_or(&[][..], |c| &c.rules);
            for (rule, reached) in own.iter().zip(rules) {
                let ends_well = match effects::step(rule) {
                    effects::Step::End => {
                        !matches!(rule.target, Some(Target::Drop | Target::Reject(_)))
                    }
                    effects::Step::Perhaps => true,
                    _ => false,
                };
                if ends_well && !reached.is_dead() {
                    accepted = accepted.or(&reached.hits)?;
                }
            }
        }
        let policy = self
            .table
            .chain(base)
            .and_then(netverdict_ruleset::Chain::policy);
        if policy == Some(Policy::Accept)
            && let Some(chain) = reach.chain(base)
        {
            accepted = accepted.or(&chain.policy)?;
        }
        accepted.and(&reach.space.entering(self.table.kind, hook)?)
    }

    /// Whether some packet may come to a built-in chain's policy.
    pub(crate) fn meets_policy(&self, hook: Hook) -> bool {
        let chain = self.table.base(hook).zip(self.reach.as_ref());
        let chain = chain.and_then(|(base, reach)| reach.chain(base));
        chain.is_none_or(|chain| !chain.policy.is_empty())
    }

    /// Chains that a built-in chain leads to, itself first.
    pub(crate) fn chains_from(&self, hook: Hook) -> Vec<ChainId> {
        let mut found: Vec<ChainId> = self.table.base(hook).into_iter().collect();
        let mut is_found = vec![false; self.table.chains.len()];
        let mut at = 0;
        while let Some(id) = found.get(at).copied() {
            let rules = self.table.chain(id).map_or(&[][..], |c| &c.rules);
            for rule in rules {
                if let Some(Target::Jump(to) | Target::Goto(to)) = rule.target
                    && let Some(is_found) = is_found.get_mut(to.index())
                    && !std::mem::replace(is_found, true)
                {
                    found.push(to);
                }
            }
            at += 1;
        }
        found
    }

    /// `nat PREROUTING` and the like, for sentences.
    pub(crate) fn name(&self, chain: ChainId) -> String {
        format!("{} {}", self.table.kind, self.table.chain_name(chain))
    }

    /// Every rule with its chain and index.
    pub(crate) fn rules(
        &self,
    ) -> impl Iterator<Item = (ChainId, usize, &netverdict_ruleset::Rule)> {
        let chains = self.table.chains();
        chains.flat_map(|(id, chain)| {
            let rules = chain.rules.iter().enumerate();
            rules.map(move |(index, rule)| (id, index, rule))
        })
    }

    /// Whether a rule can be hit, as far as is known.
    pub(crate) fn is_live(&self, chain: ChainId, index: usize) -> bool {
        let rule = self
            .reach
            .as_ref()
            .and_then(|reach| reach.chain(chain)?.rules.get(index));
        rule.is_none_or(|rule| !rule.is_dead())
    }

    /// The place of a rule.
    pub(crate) fn place(&self, chain: ChainId, index: usize) -> crate::Place {
        let rule = self.table.chain(chain).and_then(|c| c.rules.get(index));
        match rule {
            Some(rule) => self.dump.rule(self.table, chain, index, rule),
            None => self.dump.whole(),
        }
    }

    /// The place of a chain's policy.
    pub(crate) fn policy_place(&self, hook: Hook) -> crate::Place {
        match self.table.base(hook).and_then(|id| self.table.chain(id)) {
            Some(chain) if chain.line > 0 => self.dump.chain(self.table, chain, true),
            Some(_) | None => self.dump.table(self.table),
        }
    }

    /// What a rule does, in words.
    pub(crate) fn action(&self, rule: &netverdict_ruleset::Rule) -> String {
        names::action(rule, self.table)
    }
}
