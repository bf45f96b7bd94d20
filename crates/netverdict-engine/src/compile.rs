//! Rulesets as programs: flat arrays of rules with their jumps resolved, counters and slots laid out.

mod demands;
mod index;
mod rule;

use netverdict_net::Family;
use netverdict_ruleset::{Backend, Hook, NatSide, Policy, PortTests, Ruleset, Table, TableKind};

use crate::state::State;
use crate::{Config, RuleNumber, RuleRef, targets};

pub(crate) use demands::Demands;
pub(crate) use index::{Fields, Index, Places};
pub(crate) use rule::{CompiledMatch, CompiledRule, Load, Step};

/// One family's rules, ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) family: Family,
    pub(crate) backend: Backend,
    pub(crate) ports: PortTests,
    tables: [Option<TableProgram>; 5],
    /// What runs at each hook, in order.
    hooks: [Vec<HookStep>; 5],
    /// What the loaded rules switch on.
    pub(crate) demands: Demands,
    /// Whether every match always has an answer, for packets of which everything is known.
    pub(crate) decidable: bool,
}

/// One function at a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HookStep {
    Defrag,
    Track,
    Table(TableKind),
    /// The nat table's part: its chain may be consulted, then packets are translated.
    Nat(NatSide),
    /// Helpers and confirmation.
    Confirm,
}

/// One table: its chains' rules one after the other, each chain followed by the place of its policy.
#[derive(Debug)]
pub(crate) struct TableProgram {
    pub(crate) kind: TableKind,
    pub(crate) chains: Vec<ChainProgram>,
    rules: Vec<CompiledRule>,
    pub(crate) matches: Vec<CompiledMatch>,
    /// The counter of `rules[0]`; a rule's or policy's counter is as far behind as its place.
    counters: usize,
}

/// One chain's rules: `first..end` of its table's places; `end` itself is the policy's.
#[derive(Debug)]
pub(crate) struct ChainProgram {
    pub(crate) first: usize,
    pub(crate) end: usize,
    /// A built-in chain's policy.
    pub(crate) policy: Option<Policy>,
    /// Of a long chain, which rules a packet may match.
    pub(crate) index: Option<Index>,
}

impl Program {
    /// Compiles a ruleset; state that its matches keep is made in `state`.
    pub(crate) fn new(ruleset: &Ruleset, config: &Config, state: &mut State) -> Self {
        let backend = config
            .backend
            .or(ruleset.backend)
            .unwrap_or(Backend::Legacy);
        let mut tables = [const { None }; 5];
        let mut load = Load {
            family: ruleset.family,
            backend,
            config,
            state,
        };
        for table in &ruleset.tables {
            if let Some(slot) = tables.get_mut(table.kind as usize) {
                *slot = Some(TableProgram::new(table, &mut load));
            }
        }
        let demands = Demands::of(ruleset, config);
        let decidable = tables.iter().flatten().all(TableProgram::is_decidable);
        Self {
            family: ruleset.family,
            backend,
            ports: PortTests::new(backend, ruleset.version),
            tables,
            hooks: Hook::ALL.map(|hook| steps_at(hook, ruleset, backend, demands)),
            demands,
            decidable,
        }
    }

    /// The table of that kind, if it is loaded.
    pub(crate) fn table(&self, kind: TableKind) -> Option<&TableProgram> {
        self.tables.get(kind as usize)?.as_ref()
    }

    /// What runs at a hook, in order.
    pub(crate) fn steps(&self, hook: Hook) -> &[HookStep] {
        self.hooks.get(hook as usize).map_or(&[], Vec::as_slice)
    }

    /// A rule's or policy's counter.
    pub(crate) fn counter(&self, rule: RuleRef) -> Option<usize> {
        let table = self.table(rule.table)?;
        let chain = table.chains.get(rule.chain as usize)?;
        let place = match rule.number {
            RuleNumber::Rule(number) => chain.first + (number as usize).checked_sub(1)?,
            RuleNumber::Policy => chain.end,
        };
        Some(table.counter(place))
    }
}

/// `NF_IP_PRI_SECURITY` as iptables-nft registers it: behind nat's source side.
const NFT_SECURITY: i32 = 150;

/// The functions at a hook by priority (`enum nf_ip_hook_priorities`), as far as what is loaded registers them.
fn steps_at(hook: Hook, ruleset: &Ruleset, backend: Backend, demands: Demands) -> Vec<HookStep> {
    let entry = matches!(hook, Hook::Prerouting | Hook::Output);
    let mut steps: Vec<(i32, HookStep)> = Vec::new();
    if demands.defrag && entry {
        steps.push((-400, HookStep::Defrag));
    }
    if demands.tracking {
        steps.extend(match hook {
            Hook::Prerouting | Hook::Output => Some((-200, HookStep::Track)),
            Hook::Input | Hook::Postrouting => Some((i32::MAX, HookStep::Confirm)),
            Hook::Forward => None,
        });
    }
    let loaded = hook
        .tables()
        .iter()
        .filter(|at| ruleset.table(at.table).is_some());
    steps.extend(loaded.map(|at| match at.nat {
        Some(side) => (at.priority, HookStep::Nat(side)),
        None if at.table == TableKind::Security && backend == Backend::Nft => {
            (NFT_SECURITY, HookStep::Table(at.table))
        }
        None => (at.priority, HookStep::Table(at.table)),
    }));
    steps.sort_by_key(|(priority, _)| *priority);
    steps.into_iter().map(|(_, step)| step).collect()
}

impl TableProgram {
    fn new(table: &Table, load: &mut Load<'_>) -> Self {
        let mut rules = Vec::new();
        let mut matches = Vec::new();
        let mut chains = Vec::with_capacity(table.chains.len());
        for (id, chain) in table.chains() {
            let first = rules.len();
            for (number, rule) in (1..).zip(&chain.rules) {
                rules.push(load.rule(table.kind, id, number, rule, &mut matches));
            }
            chains.push(ChainProgram {
                first,
                end: rules.len(),
                policy: chain.policy(),
                index: None,
            });
            rules.push(CompiledRule::end(load.family, table.kind, id));
        }
        for rule in &mut rules {
            rule.resolve(&chains);
        }
        if !load.config.plain {
            for chain in &mut chains {
                let places = rules.iter().enumerate().take(chain.end).skip(chain.first);
                let places = places.map(|(place, rule)| (place as u32, rule));
                chain.index = Index::of(places, &matches);
            }
        }
        Self {
            kind: table.kind,
            chains,
            counters: load.state.counters.reserve(rules.len()),
            rules,
            matches,
        }
    }

    fn is_decidable(&self) -> bool {
        let decided = |rule: &CompiledRule| match &rule.step {
            Step::Target { target, .. } => targets::is_decidable(target),
            _ => true,
        };
        self.matches.iter().all(|m| m.decidable) && self.rules.iter().all(decided)
    }

    /// The built-in chain of a hook.
    pub(crate) fn base(&self, hook: Hook) -> Option<u32> {
        let index = self.kind.hooks().iter().position(|h| *h == hook)?;
        Some(index as u32)
    }

    /// The counter of a place.
    pub(crate) const fn counter(&self, place: usize) -> usize {
        self.counters + place
    }

    /// The rule at a place, chain ends included.
    pub(crate) fn rule(&self, place: usize) -> Option<&CompiledRule> {
        self.rules.get(place)
    }

    /// The chain that a place belongs to.
    pub(crate) fn chain_at(&self, place: usize) -> Option<&ChainProgram> {
        let rule = self.rules.get(place)?;
        self.chains.get(rule.rule.chain as usize)
    }
}
