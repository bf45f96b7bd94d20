//! Which packets come to which rule of a table.
//!
//! Two passes over the chains. The first, callees before callers, says of each chain which packets may come back out of
//! it; the second, callers before callees, follows every packet that may come in. Sets only ever err to the larger side,
//! so that what is empty is empty: a rule that is called dead is never hit.
//!
//! Taken for granted: while one packet is in a table, nobody else changes its connection or a set.

use netverdict_net::Family;
use netverdict_ruleset::{ChainId, Ruleset, Table};

use crate::algebra::{Fields, Full, Meaning, Set, Space};
use crate::effects::{self, Step};

/// Room for the diagrams, tried in turn.
const ROOMS: [usize; 3] = [1 << 16, 1 << 20, 1 << 23];
/// How many nodes a rule takes at least, mostly: where there are too many rules, a small room is not tried.
const NODES_OF_A_RULE: usize = 1 << 8;

/// What may happen in one table.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) family: Family,
    pub(crate) space: Space,
    pub(crate) chains: Vec<ChainReach>,
    /// Chains with those that they lead to behind them.
    pub(crate) order: Vec<ChainId>,
}

/// What may happen in one chain.
#[derive(Debug)]
pub(crate) struct ChainReach {
    /// Packets that may come in.
    pub(crate) entry: Set,
    pub(crate) rules: Vec<RuleReach>,
    /// Packets that may meet the policy, of a built-in chain.
    pub(crate) policy: Set,
    /// Packets that may come back out, as they were when they came in.
    pub(crate) returns: Set,
    /// What may have changed by then.
    pub(crate) changes: Fields,
}

/// What may happen at one rule.
#[derive(Debug)]
pub(crate) struct RuleReach {
    pub(crate) meaning: Meaning,
    /// Whether some packet may come to be tested.
    pub(crate) is_tested: bool,
    /// Packets that may match.
    pub(crate) hits: Set,
}

impl RuleReach {
    /// Whether no packet ever matches.
    pub(crate) fn is_dead(&self) -> bool {
        self.hits.is_empty()
    }
}

impl Reach {
    /// Follows the packets of a table. `None` if its chains call each other in a circle, or if the sets are too complex.
    pub(crate) fn of(ruleset: &Ruleset, table: &Table) -> Option<Self> {
        let order = order(table)?;
        let least = table.rules().count() * NODES_OF_A_RULE;
        let (last, others) = ROOMS.split_last()?;
        let rooms = others.iter().filter(|room| **room >= least).chain([last]);
        let room = |room: &usize| Self::within(ruleset, table, &order, *room).ok();
        rooms.into_iter().find_map(room)
    }

    fn within(
        ruleset: &Ruleset,
        table: &Table,
        order: &[ChainId],
        room: usize,
    ) -> Result<Self, Full> {
        let space = Space::new(ruleset, table, room)?;
        let mut chains = Vec::with_capacity(table.chains.len());
        for chain in &table.chains {
            let mut rules = Vec::with_capacity(chain.rules.len());
            for rule in &chain.rules {
                rules.push(RuleReach {
                    meaning: space.meaning(rule)?,
                    is_tested: false,
                    hits: space.none(),
                });
            }
            chains.push(ChainReach {
                entry: match chain.hook() {
                    Some(hook) => space.entering(table.kind, hook)?,
                    None => space.none(),
                },
                rules,
                policy: space.none(),
                returns: space.all(),
                changes: Fields::NONE,
            });
        }
        let mut reach = Self {
            family: ruleset.family,
            space,
            chains,
            order: order.to_vec(),
        };
        for chain in order.iter().rev() {
            // Nothing returns from a built-in chain.
            let returns = table.chain(*chain).is_some_and(|c| c.hook().is_none());
            if returns {
                reach.sum_up(table, *chain)?;
            }
        }
        for chain in order {
            reach.follow(table, *chain)?;
        }
        Ok(reach)
    }

    pub(crate) fn chain(&self, chain: ChainId) -> Option<&ChainReach> {
        self.chains.get(chain.index())
    }

    /// Packets that may come back out of a chain, as they went in, and what may have changed.
    fn returning(&self, chain: ChainId) -> (Set, Fields) {
        match self.chain(chain) {
            Some(chain) => (chain.returns.clone(), chain.changes),
            None => (self.space.all(), Fields::ALL),
        }
    }

    /// Packets that a rule certainly takes out of its chain's row.
    pub(crate) fn stops(&self, step: Step, meaning: &Meaning) -> Result<Set, Full> {
        match step {
            Step::End | Step::Return | Step::Goto(_) => Ok(meaning.must.clone()),
            Step::Jump(to) => meaning.must.minus(&self.returning(to).0),
            Step::Next | Step::Perhaps => Ok(self.space.none()),
        }
    }

    /// Finds out which packets may return from a chain.
    fn sum_up(&mut self, table: &Table, id: ChainId) -> Result<(), Full> {
        let Some(chain) = table.chain(id) else {
            return Ok(());
        };
        // All in terms of packets as they came in. What earlier rules may have changed is open: a rule may match if it
        // does for some value, and must only if it does for every one.
        let mut live = self.space.all();
        let mut returns = self.space.none();
        let (mut dirty, mut changes) = (Fields::NONE, Fields::NONE);
        for (index, rule) in chain.rules.iter().enumerate() {
            dirty = dirty.union(effects::touched(rule));
            let bits = self.space.bits_of(dirty)?;
            let Some(meaning) = self.meaning(id, index) else {
                continue;
            };
            let (may, must) = if dirty.is_empty() {
                (meaning.may, meaning.must)
            } else {
                (meaning.may.exists(&bits)?, meaning.must.for_all(&bits)?)
            };
            let hits = live.and(&may)?;
            match effects::step(rule) {
                Step::End => live = live.minus(&must)?,
                Step::Return => {
                    returns = returns.or(&hits)?;
                    live = live.minus(&must)?;
                }
                Step::Jump(to) => {
                    let (back, changed) = self.returning(to);
                    let back = hits.and(&back.exists(&bits)?)?;
                    live = live.minus(&must)?.or(&back)?;
                    dirty = dirty.union(changed);
                }
                Step::Goto(to) => {
                    let (back, changed) = self.returning(to);
                    returns = returns.or(&hits.and(&back.exists(&bits)?)?)?;
                    live = live.minus(&must)?;
                    changes = changes.union(changed);
                }
                Step::Next | Step::Perhaps => dirty = dirty.union(effects::changed(rule)),
            }
        }
        let returns = returns.or(&live)?;
        if let Some(chain) = self.chains.get_mut(id.index()) {
            chain.returns = returns;
            chain.changes = changes.union(dirty);
        }
        Ok(())
    }

    fn meaning(&self, chain: ChainId, rule: usize) -> Option<Meaning> {
        Some(self.chain(chain)?.rules.get(rule)?.meaning.clone())
    }

    /// Takes what may come into a chain through its rules, and on into the chains that they lead to.
    fn follow(&mut self, table: &Table, id: ChainId) -> Result<(), Full> {
        let (Some(chain), Some(reach)) = (table.chain(id), self.chain(id)) else {
            return Ok(());
        };
        let mut rest = reach.entry.clone();
        let mut policy = self.space.none();
        for (index, rule) in chain.rules.iter().enumerate() {
            let touched = effects::touched(rule);
            if !touched.is_empty() {
                rest = rest.exists(&self.space.bits_of(touched)?)?;
            }
            let Some(meaning) = self.meaning(id, index) else {
                continue;
            };
            let hits = rest.and(&meaning.may)?;
            let is_tested = !rest.is_empty();
            let goes_by = effects::step(rule) == Step::Next && effects::changed(rule).is_empty();
            if !hits.is_empty() && !goes_by {
                let passed = rest.minus(&meaning.must)?;
                rest = match effects::step(rule) {
                    Step::End => passed,
                    Step::Return => {
                        policy = policy.or(&hits)?;
                        passed
                    }
                    Step::Jump(to) => {
                        self.enter(to, &hits)?;
                        passed.or(&self.back_from(to, &hits)?)?
                    }
                    Step::Goto(to) => {
                        self.enter(to, &hits)?;
                        policy = policy.or(&self.back_from(to, &hits)?)?;
                        passed
                    }
                    Step::Next | Step::Perhaps => {
                        passed.or(&effects::changed_by(rule, &hits, &self.space)?)?
                    }
                };
            }
            let slot = self.chains.get_mut(id.index());
            if let Some(slot) = slot.and_then(|chain| chain.rules.get_mut(index)) {
                slot.is_tested = is_tested;
                slot.hits = hits;
            }
        }
        let policy = policy.or(&rest)?;
        if let Some(slot) = self.chains.get_mut(id.index()) {
            slot.policy = policy;
        }
        Ok(())
    }

    fn enter(&mut self, chain: ChainId, hits: &Set) -> Result<(), Full> {
        if let Some(chain) = self.chains.get_mut(chain.index()) {
            chain.entry = chain.entry.or(hits)?;
        }
        Ok(())
    }

    /// Packets of `hits` that may come back from a chain, as they come back.
    fn back_from(&self, chain: ChainId, hits: &Set) -> Result<Set, Full> {
        let (returns, changes) = self.returning(chain);
        let back = hits.and(&returns)?;
        if changes.is_empty() {
            return Ok(back);
        }
        back.exists(&self.space.bits_of(changes)?)
    }
}

/// Every chain behind those that lead to it; `None` where they lead in a circle.
fn order(table: &Table) -> Option<Vec<ChainId>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let targets = |chain: ChainId| -> Vec<ChainId> {
        let rules = table.chain(chain).map_or(&[][..], |c| &c.rules);
        let steps = rules.iter().map(effects::step);
        steps
            .filter_map(|step| match step {
                Step::Jump(to) | Step::Goto(to) => Some(to),
                _ => None,
            })
            .collect()
    };
    let mut marks = vec![Mark::New; table.chains.len()];
    let mut done = Vec::with_capacity(table.chains.len());
    for (start, _) in table.chains() {
        let mut stack = vec![(start, false)];
        while let Some((chain, left)) = stack.pop() {
            let mark = marks.get_mut(chain.index())?;
            match (left, *mark) {
                (true, _) => {
                    *mark = Mark::Done;
                    done.push(chain);
                }
                (false, Mark::Done) => {}
                (false, Mark::Open) => return None,
                (false, Mark::New) => {
                    *mark = Mark::Open;
                    stack.push((chain, true));
                    for to in targets(chain) {
                        match marks.get(to.index())? {
                            Mark::Open => return None,
                            Mark::New => stack.push((to, false)),
                            Mark::Done => {}
                        }
                    }
                }
            }
        }
    }
    done.reverse();
    Some(done)
}
