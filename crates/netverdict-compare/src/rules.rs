//! Which rule of one dump is which rule of another.
//!
//! A rule is the same rule if family, table, chain and text are the same, wherever in its chain it stands; of several
//! equal rules in a chain the n-th is the n-th. A policy is the same policy if it says the same. Where rules are taken
//! strictly, the number in the chain must be the same too.

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_net::Family;
use netverdict_replay::Setup;
use netverdict_ruleset::{Ruleset, TableKind};

/// A number for each rule of a host.
pub(crate) type Keys = HashMap<RuleRef, u32, FixedState>;

/// What makes a rule that rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Identity {
    family: Family,
    table: TableKind,
    chain: String,
    text: String,
    /// Which of several equal ones; where rules are taken strictly, its number.
    nth: u32,
}

/// Both hosts' rules, numbered so that the same rule has the same number.
#[derive(Debug)]
pub(crate) struct Matching {
    pub(crate) old: Keys,
    pub(crate) new: Keys,
    /// Every rule by its number, as each host has it.
    pub(crate) pairs: Vec<(Option<RuleRef>, Option<RuleRef>)>,
}

impl Matching {
    pub(crate) fn new(old: &Setup, new: &Setup, strict: bool) -> Self {
        let mut ids: HashMap<Identity, u32, FixedState> = HashMap::default();
        let mut matching = Self {
            old: Keys::default(),
            new: Keys::default(),
            pairs: Vec::new(),
        };
        for (place, identity) in identities(old, strict) {
            let id = matching.pairs.len() as u32;
            ids.insert(identity, id);
            matching.pairs.push((Some(place), None));
            matching.old.insert(place, id);
        }
        for (place, identity) in identities(new, strict) {
            let next = matching.pairs.len() as u32;
            let id = ids.get(&identity).copied().unwrap_or(next);
            match matching.pairs.get_mut(id as usize) {
                Some(pair) => pair.1 = Some(place),
                None => matching.pairs.push((None, Some(place))),
            }
            matching.new.insert(place, id);
        }
        matching
    }

    /// Rules that both have and that stand elsewhere relative to the rules that both have.
    pub(crate) fn moved(&self) -> u64 {
        let mut by_chain: HashMap<_, Vec<(u32, u32)>, FixedState> = HashMap::default();
        let mut chains = Vec::new();
        for pair in &self.pairs {
            let (Some(old), Some(new)) = pair else {
                continue;
            };
            let (RuleNumber::Rule(was), RuleNumber::Rule(is)) = (old.number, new.number) else {
                continue;
            };
            let chain = (old.family, old.table, old.chain);
            if !by_chain.contains_key(&chain) {
                chains.push(chain);
            }
            by_chain.entry(chain).or_default().push((was, is));
        }
        let moved = chains.iter().filter_map(|chain| {
            let mut rules = by_chain.get(chain)?.clone();
            rules.sort_unstable();
            let new: Vec<u32> = rules.iter().map(|(_, is)| *is).collect();
            Some((new.len() - longest_rise(&new)) as u64)
        });
        moved.sum()
    }
}

/// The length of the longest rising subsequence: the rules that can be left where they are.
fn longest_rise(numbers: &[u32]) -> usize {
    let mut tails: Vec<u32> = Vec::new();
    for number in numbers {
        let at = tails.partition_point(|tail| tail < number);
        match tails.get_mut(at) {
            Some(tail) => *tail = *number,
            None => tails.push(*number),
        }
    }
    tails.len()
}

fn identities(setup: &Setup, strict: bool) -> Vec<(RuleRef, Identity)> {
    setup
        .rulesets
        .iter()
        .flat_map(|ruleset| of_ruleset(ruleset, strict))
        .collect()
}

fn of_ruleset(ruleset: &Ruleset, strict: bool) -> Vec<(RuleRef, Identity)> {
    let mut found = Vec::new();
    for table in &ruleset.tables {
        for (id, chain) in table.chains() {
            let mut equal: HashMap<String, u32, FixedState> = HashMap::default();
            let place = |number| RuleRef {
                family: ruleset.family,
                table: table.kind,
                chain: id.0,
                number,
            };
            let identity = |text: String, nth| Identity {
                family: ruleset.family,
                table: table.kind,
                chain: chain.name.clone(),
                text,
                nth,
            };
            for (rule, number) in chain.rules.iter().zip(1..) {
                let text = table.text(id, rule).to_string();
                let nth = equal.entry(text.clone()).or_insert(0);
                *nth += 1;
                let nth = if strict { number } else { *nth };
                found.push((place(RuleNumber::Rule(number)), identity(text, nth)));
            }
            if let Some(policy) = chain.policy() {
                let text = format!("policy {policy}");
                found.push((place(RuleNumber::Policy), identity(text, 0)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::longest_rise;

    #[test]
    fn one_rule_that_moves_is_one_move() {
        assert_eq!(longest_rise(&[1, 2, 3, 4]), 4);
        assert_eq!(longest_rise(&[4, 1, 2, 3]), 3);
        assert_eq!(longest_rise(&[2, 3, 4, 1]), 3);
        assert_eq!(longest_rise(&[]), 0);
    }
}
