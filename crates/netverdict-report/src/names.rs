//! Rules, flows and times as reports write them.

use std::collections::BTreeMap;

use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_net::{Family, Timestamp};
use netverdict_replay::Setup;
use netverdict_ruleset::{ChainId, Rule, Ruleset};

use crate::model::{Number, Place, Policy};

/// Names the rules of a host: their places, and the dumps' lines to quote them.
#[derive(Debug)]
pub struct Names<'s> {
    setup: &'s Setup,
    lines: BTreeMap<Family, Vec<String>>,
}

impl<'s> Names<'s> {
    /// Reads the dumps' lines.
    pub fn new(setup: &'s Setup) -> Self {
        let lines = Family::ALL.into_iter().filter_map(|family| {
            let source = setup.dump(family)?;
            Some((family, source.text().lines().map(str::to_owned).collect()))
        });
        Self {
            setup,
            lines: lines.collect(),
        }
    }

    fn ruleset(&self, family: Family) -> Option<&'s Ruleset> {
        self.setup.ruleset(family)
    }

    fn rule(&self, place: RuleRef) -> Option<&'s Rule> {
        let RuleNumber::Rule(number) = place.number else {
            return None;
        };
        let chain = self
            .ruleset(place.family)?
            .table(place.table)?
            .chain(ChainId(place.chain))?;
        chain
            .rules
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The name of a rule's chain.
    pub fn chain(&self, place: RuleRef) -> &'s str {
        let table = self
            .ruleset(place.family)
            .and_then(|r| r.table(place.table));
        table.map_or("?", |t| t.chain_name(ChainId(place.chain)))
    }

    /// The rule's or policy's line of its dump.
    pub fn line(&self, place: RuleRef) -> Option<u32> {
        let line = match place.number {
            RuleNumber::Rule(_) => self.rule(place)?.line,
            RuleNumber::Policy => {
                self.ruleset(place.family)?
                    .table(place.table)?
                    .chain(ChainId(place.chain))?
                    .line
            }
        };
        (line > 0).then_some(line)
    }

    /// The rule's number in its chain, or that it is a policy.
    pub const fn number(place: RuleRef) -> Number {
        match place.number {
            RuleNumber::Rule(number) => Number::Rule(number),
            RuleNumber::Policy => Number::Policy(Policy::Policy),
        }
    }

    /// Where a rule or policy is.
    pub fn place(&self, place: RuleRef) -> Place {
        Place {
            family: place.family.to_string(),
            table: place.table.name().to_owned(),
            chain: self.chain(place).to_owned(),
            number: Self::number(place),
            line: self.line(place),
        }
    }

    /// The dump's line without its counters; the canonical text where no dump has it.
    pub fn text(&self, place: RuleRef) -> String {
        let line = self.line(place).and_then(|line| {
            self.lines
                .get(&place.family)?
                .get(usize::try_from(line).ok()?.checked_sub(1)?)
        });
        match line {
            Some(line) => without_counters(line).to_owned(),
            None => self.canonical(place).unwrap_or_default(),
        }
    }

    /// The name of the dump that holds the rule.
    pub fn file(&self, place: RuleRef) -> &'s str {
        let source = self.setup.dump(place.family);
        source.map_or("?", |source| source.name.as_str())
    }

    /// The rule as iptables-save prints it; `:CHAIN POLICY` for a policy.
    pub fn canonical(&self, place: RuleRef) -> Option<String> {
        let table = self.ruleset(place.family)?.table(place.table)?;
        let chain = table.chain(ChainId(place.chain))?;
        Some(match self.rule(place) {
            Some(rule) => table.text(ChainId(place.chain), rule).to_string(),
            None => format!(":{} {}", chain.name, chain.policy()?),
        })
    }

    /// A rule's match as the canonical dump writes it.
    pub fn test(&self, place: RuleRef, index: Option<u32>) -> Option<String> {
        let rule = self.rule(place)?;
        rule.matches
            .get(usize::try_from(index?).ok()?)
            .map(ToString::to_string)
    }
}

/// `-A …` behind `[packets:bytes]`, `:CHAIN POLICY` before it.
fn without_counters(line: &str) -> &str {
    let line = line.trim();
    let rest = match line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => rest.trim_start(),
        None => line,
    };
    match rest.strip_prefix(':').and_then(|_| rest.rsplit_once(" [")) {
        Some((declaration, _)) => declaration,
        None => rest,
    }
}

/// `filter INPUT 3`, `filter INPUT policy`; IPv6 in front where both families have rules.
pub fn short(place: &Place, both: bool) -> String {
    let family = if both {
        format!("{} ", place.family)
    } else {
        String::new()
    };
    format!(
        "{family}{} {} {}",
        place.table,
        place.chain,
        number(&place.number)
    )
}

/// A rule's number, or `policy`.
pub fn number(number: &Number) -> String {
    match number {
        Number::Rule(number) => number.to_string(),
        Number::Policy(_) => "policy".to_owned(),
    }
}

/// `2026-03-02T08:00:00.000000000Z`, without a fraction that is 0.
pub fn utc(time: &str) -> String {
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let (Ok(seconds), Ok(nanos)) = (seconds.parse::<i64>(), fraction.parse::<i32>()) else {
        return time.to_owned();
    };
    match jiff::Timestamp::new(seconds, nanos) {
        Ok(time) => time.to_string(),
        Err(_) => time.to_owned(),
    }
}

/// Seconds since 1970 with nine digits.
pub fn seconds(time: Timestamp) -> String {
    time.to_string()
}
