//! Which packets certainly meet one verdict from a rule on, with nothing else done to them: what makes a rule redundant.

use netverdict_ruleset::{Chain, ChainId, Match, Policy, Rule, Table, Target};

use crate::algebra::{Full, Set, is_stateful};
use crate::cover::Outline;
use crate::effects::{self, Step};
use crate::reach::Reach;

/// What certainly becomes of packets at one place of a chain. Packets of none of the sets meet anything.
#[derive(Debug, Clone)]
struct Certain {
    accepted: Set,
    dropped: Set,
    /// Come back out of the chain as they went in.
    returned: Set,
}

impl Certain {
    fn and(&self, other: &Self) -> Result<Self, Full> {
        Ok(Self {
            accepted: self.accepted.and(&other.accepted)?,
            dropped: self.dropped.and(&other.dropped)?,
            returned: self.returned.and(&other.returned)?,
        })
    }
}

/// A rule without which nothing would change, and what would do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redundant {
    pub(crate) chain: ChainId,
    pub(crate) index: usize,
    /// Later rules of the chain, ascending.
    pub(crate) by: Vec<usize>,
    /// Whether the policy has a part in it.
    pub(crate) by_policy: bool,
}

/// Finds the redundant rules of a table.
pub(crate) fn redundant(table: &Table, reach: &Reach) -> Result<Vec<Redundant>, Full> {
    let mut certain: Vec<Option<Certain>> = vec![None; table.chains.len()];
    let mut found = Vec::new();
    let mut pairs = 0;
    for id in reach.order.iter().rev() {
        let (Some(chain), Some(reached)) = (table.chain(*id), reach.chain(*id)) else {
            continue;
        };
        let mut now = end(chain, reach);
        let mut gone = vec![false; chain.rules.len()];
        for (index, rule) in chain.rules.iter().enumerate().rev() {
            let Some(here) = reached.rules.get(index) else {
                continue;
            };
            let after = match &rule.target {
                Some(Target::Accept) => Some(&now.accepted),
                Some(Target::Drop) => Some(&now.dropped),
                _ => None,
            };
            let is_final =
                index + 1 == chain.rules.len() && chain.hook().is_some() && is_bare(rule);
            let mut may_go = here.is_dead();
            if let Some(after) = after
                && !may_go
                && !is_final
                && !rule.matches.iter().any(is_stateful)
                && here.hits.is_within(after)?
            {
                found.push(explain(reach, chain, *id, index, &gone, &mut pairs)?);
                may_go = true;
            }
            let at = before(&now, rule, here, chain, reach, &certain)?;
            // What may go does no other rule's work, so that all that may go can go at once.
            now = if may_go { at.and(&now)? } else { at };
            if let Some(gone) = gone.get_mut(index) {
                *gone = may_go;
            }
        }
        if let Some(slot) = certain.get_mut(id.index()) {
            *slot = Some(now);
        }
    }
    found.sort_by_key(|r| (r.chain, r.index));
    Ok(found)
}

/// Whether a rule has no tests but comments.
pub(crate) fn is_bare(rule: &Rule) -> bool {
    let plain = Rule {
        matches: Vec::new(),
        target: None,
        counters: netverdict_ruleset::Counters::default(),
        line: 0,
        ..rule.clone()
    };
    plain == Rule::default() && rule.matches.iter().all(|m| matches!(m, Match::Comment(_)))
}

/// What becomes of packets at a chain's end.
fn end(chain: &Chain, reach: &Reach) -> Certain {
    let (all, none) = (reach.space.all(), reach.space.none());
    let (accepted, dropped, returned) = match chain.policy() {
        Some(Policy::Accept) => (all, none.clone(), none),
        Some(Policy::Drop) => (none.clone(), all, none),
        None => (none.clone(), none, all),
    };
    Certain {
        accepted,
        dropped,
        returned,
    }
}

/// What becomes of packets at a rule, from what does behind it.
fn before(
    behind: &Certain,
    rule: &Rule,
    here: &crate::reach::RuleReach,
    chain: &Chain,
    reach: &Reach,
    certain: &[Option<Certain>],
) -> Result<Certain, Full> {
    let (may, must) = (&here.meaning.may, &here.meaning.must);
    let nothing = || reach.space.none();
    let mut at = Certain {
        accepted: nothing(),
        dropped: nothing(),
        returned: nothing(),
    };
    if !effects::touched(rule).is_empty() {
        return Ok(at);
    }
    // Of packets that match, what this rule says; of the others, what comes behind.
    match effects::step(rule) {
        Step::End => match &rule.target {
            Some(Target::Accept) => {
                return Ok(Certain {
                    accepted: behind.accepted.or(must)?,
                    dropped: behind.dropped.minus(may)?,
                    returned: behind.returned.minus(may)?,
                });
            }
            Some(Target::Drop) => {
                return Ok(Certain {
                    accepted: behind.accepted.minus(may)?,
                    dropped: behind.dropped.or(must)?,
                    returned: behind.returned.minus(may)?,
                });
            }
            _ => {}
        },
        Step::Return => match chain.policy() {
            Some(Policy::Accept) => at.accepted = must.clone(),
            Some(Policy::Drop) => at.dropped = must.clone(),
            None => at.returned = must.clone(),
        },
        Step::Jump(to) => {
            if let Some(Some(inside)) = certain.get(to.index()) {
                let via = |own: &Set, later: &Set| inside.returned.and(later)?.or(own);
                at.accepted = must.and(&via(&inside.accepted, &behind.accepted)?)?;
                at.dropped = must.and(&via(&inside.dropped, &behind.dropped)?)?;
                at.returned = must.and(&inside.returned.and(&behind.returned)?)?;
            }
        }
        Step::Goto(_) | Step::Perhaps => {}
        Step::Next if rule.target.is_none() => return Ok(behind.clone()),
        Step::Next => {}
    }
    Ok(Certain {
        accepted: at.accepted.or(&behind.accepted.minus(may)?)?,
        dropped: at.dropped.or(&behind.dropped.minus(may)?)?,
        returned: at.returned.or(&behind.returned.minus(may)?)?,
    })
}

/// How many pairs of rules are compared in one table before explanations are cut short.
const PAIRS: u64 = 20_000;

/// Names what does a redundant rule's work; `gone` are rules that may be removed as well.
fn explain(
    reach: &Reach,
    chain: &Chain,
    id: ChainId,
    index: usize,
    gone: &[bool],
    pairs: &mut u64,
) -> Result<Redundant, Full> {
    let mut redundant = Redundant {
        chain: id,
        index,
        by: Vec::new(),
        by_policy: false,
    };
    let (Some(reached), Some(rule)) = (reach.chain(id), chain.rules.get(index)) else {
        return Ok(redundant);
    };
    let Some(hits) = reached.rules.get(index).map(|r| &r.hits) else {
        return Ok(redundant);
    };
    let mut left = hits.clone();
    let outline = Outline::of(rule);
    for (later, other) in chain.rules.iter().enumerate().skip(index + 1) {
        if left.is_empty() || *pairs > PAIRS {
            break;
        }
        let Some(here) = reached.rules.get(later) else {
            break;
        };
        let does = other.target == rule.target || matches!(other.target, Some(Target::Jump(_)));
        let is_gone = gone.get(later).is_some_and(|gone| *gone);
        if !does || is_gone || outline.excludes(&Outline::of(other)) {
            continue;
        }
        *pairs += 1;
        let taken = match &other.target {
            Some(Target::Jump(_)) => reach.stops(effects::step(other), &here.meaning)?,
            _ => here.meaning.must.clone(),
        };
        let part = hits.and(&taken)?;
        if part == *hits {
            // One that takes all says more than several that take a part each.
            redundant.by = vec![later];
            return Ok(redundant);
        }
        if redundant.by.len() < 8 && left.meets(&part)? {
            left = left.minus(&part)?;
            redundant.by.push(later);
        }
    }
    redundant.by_policy = !left.is_empty() && chain.policy().is_some() && *pairs <= PAIRS;
    Ok(redundant)
}
