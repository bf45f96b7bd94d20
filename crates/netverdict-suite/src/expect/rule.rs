//! Naming a rule: by table, chain, number, comment, or text.

use std::fmt;

use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_net::Family;
use netverdict_replay::Setup;
use netverdict_report::names::Names;
use netverdict_ruleset::{Match, Ruleset, Table, TableKind};

use crate::error::nearest;

/// What a rule must be; tests that are not there hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleQuery {
    pub family: Option<Family>,
    pub table: Option<TableKind>,
    pub chain: Option<String>,
    pub number: Option<Number>,
    /// A `-m comment --comment`, whole.
    pub comment: Option<String>,
    /// Part of the rule as the dump or iptables-save writes it.
    pub text: Option<String>,
}

/// Which of a chain's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Rule(u32),
    Policy,
}

impl RuleQuery {
    /// Reads `filter INPUT 3`, `INPUT 3`, `filter INPUT policy`, `filter INPUT`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let mut query = Self::default();
        if let Some(family) = words.first().and_then(|w| family(w)) {
            query.family = Some(family);
            words.remove(0);
        }
        if let Some(table) = words.first().and_then(|w| TableKind::from_name(w)) {
            query.table = Some(table);
            words.remove(0);
        }
        match words.as_slice() {
            [chain] => query.chain = Some((*chain).to_owned()),
            [chain, number] => {
                query.chain = Some((*chain).to_owned());
                query.number = Some(match *number {
                    "policy" => Number::Policy,
                    number => Number::Rule(number.parse().ok()?),
                });
            }
            _ => return None,
        }
        Some(query)
    }

    /// The rules and policies of a host that it names. Where it names no table, filter outranks the others.
    pub(crate) fn find(&self, setup: &Setup, names: &Names<'_>) -> Vec<RuleRef> {
        let mut found: Vec<RuleRef> = setup
            .rulesets
            .iter()
            .flat_map(|ruleset| self.of_ruleset(ruleset, names))
            .collect();
        let is_filter = |rule: &RuleRef| rule.table == TableKind::Filter;
        if self.table.is_none() && found.iter().any(is_filter) {
            found.retain(is_filter);
        }
        found
    }

    fn of_ruleset(&self, ruleset: &Ruleset, names: &Names<'_>) -> Vec<RuleRef> {
        if self.family.is_some_and(|family| family != ruleset.family) {
            return Vec::new();
        }
        let tables = ruleset.tables.iter();
        let tables = tables.filter(|t| self.table.is_none_or(|kind| kind == t.kind));
        tables
            .flat_map(|table| places(ruleset.family, table))
            .filter(|place| self.is(ruleset, *place, names))
            .collect()
    }

    fn is(&self, ruleset: &Ruleset, place: RuleRef, names: &Names<'_>) -> bool {
        let is_number = self
            .number
            .is_none_or(|number| match (number, place.number) {
                (Number::Policy, RuleNumber::Policy) => true,
                (Number::Rule(wanted), RuleNumber::Rule(number)) => wanted == number,
                _ => false,
            });
        let is_comment = self
            .comment
            .as_ref()
            .is_none_or(|wanted| comments(ruleset, place).any(|comment| comment == wanted));
        let is_text = self.text.as_ref().is_none_or(|wanted| {
            let canonical = names.canonical(place).unwrap_or_default();
            names.text(place).contains(wanted) || canonical.contains(wanted)
        });
        let is_chain = self.chain.as_ref().is_none_or(|c| names.chain(place) == c);
        is_chain && is_number && is_comment && is_text
    }

    /// What a host has that is nearest to a rule that it has not.
    pub(crate) fn hint(&self, setup: &Setup, names: &Names<'_>) -> Option<String> {
        let tables = || setup.rulesets.iter().flat_map(|r| &r.tables);
        if let Some(comment) = &self.comment {
            let all: Vec<&str> = setup
                .rulesets
                .iter()
                .flat_map(|r| r.tables.iter().map(move |t| (r, t)))
                .flat_map(|(r, t)| places(r.family, t).into_iter().map(move |p| (r, p)))
                .flat_map(|(r, p)| comments(r, p))
                .collect();
            return nearest(comment, all).map(|near| format!("a rule has the comment `{near}`"));
        }
        let chain = self.chain.as_ref()?;
        let chains: Vec<&str> = tables()
            .flat_map(|t| &t.chains)
            .map(|c| c.name.as_str())
            .collect();
        if !chains.contains(&chain.as_str()) {
            return nearest(chain, chains).map(|near| format!("there is a chain `{near}`"));
        }
        let whole = Self {
            number: None,
            text: None,
            ..self.clone()
        };
        let rules = whole.find(setup, names);
        let is_rule = |r: &&RuleRef| matches!(r.number, RuleNumber::Rule(_));
        let rules = rules.iter().filter(is_rule).count();
        Some(format!("{chain} has {rules} rules"))
    }
}

/// Every rule and policy of a host.
pub(crate) fn every(setup: &Setup) -> Vec<RuleRef> {
    let tables = setup
        .rulesets
        .iter()
        .flat_map(|r| r.tables.iter().map(move |t| (r.family, t)));
    tables.flat_map(|(family, t)| places(family, t)).collect()
}

fn family(word: &str) -> Option<Family> {
    match word {
        "ipv4" => Some(Family::V4),
        "ipv6" => Some(Family::V6),
        _ => None,
    }
}

/// Every rule and policy of a table.
fn places(family: Family, table: &Table) -> Vec<RuleRef> {
    let mut places = Vec::new();
    for (id, chain) in table.chains() {
        let place = |number| RuleRef {
            family,
            table: table.kind,
            chain: id.0,
            number,
        };
        let rules = 1..=chain.rules.len() as u32;
        places.extend(rules.map(|number| place(RuleNumber::Rule(number))));
        if chain.policy().is_some() {
            places.push(place(RuleNumber::Policy));
        }
    }
    places
}

fn comments(ruleset: &Ruleset, place: RuleRef) -> impl Iterator<Item = &str> {
    let rule = match place.number {
        RuleNumber::Rule(number) => ruleset
            .table(place.table)
            .and_then(|t| t.chains.get(place.chain as usize))
            .and_then(|c| c.rules.get((number as usize).wrapping_sub(1))),
        RuleNumber::Policy => None,
    };
    let matches = rule.map(|rule| rule.matches.iter()).into_iter().flatten();
    matches.filter_map(|m| match m {
        Match::Comment(comment) => Some(comment.text.as_str()),
        _ => None,
    })
}

/// `filter INPUT 3`, `INPUT with comment "ssh"`.
impl fmt::Display for RuleQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        words.extend(self.family.map(|family| family.to_string()));
        words.extend(self.table.map(|table| table.name().to_owned()));
        words.extend(self.chain.clone());
        words.extend(self.number.map(|number| match number {
            Number::Rule(number) => number.to_string(),
            Number::Policy => "policy".to_owned(),
        }));
        if words.is_empty() {
            words.push("a rule".to_owned());
        }
        if let Some(comment) = &self.comment {
            words.push(format!("with comment \"{comment}\""));
        }
        if let Some(text) = &self.text {
            words.push(format!("with \"{text}\" in its text"));
        }
        f.write_str(&words.join(" "))
    }
}
