//! A host ready for replay, and what many engines counted on it.

use netverdict_bundle::{Bundle, Inferred, Source, SourceId};
use netverdict_engine::{Config, Engine, EngineInput, RuleNumber, RuleRef};
use netverdict_net::Family;
use netverdict_ruleset::{ChainKind, Counters, Ruleset};

/// Everything that an engine is made of and that a report explains.
#[derive(Debug)]
pub struct Setup {
    pub bundle: Bundle,
    /// The IPv4 rules, then the IPv6 rules, where there are dumps.
    pub rulesets: Vec<Ruleset>,
    /// The file that each ruleset is from.
    pub dumps: Vec<SourceId>,
    pub inferred: Inferred,
    pub config: Config,
}

impl Setup {
    /// A family's rules.
    pub fn ruleset(&self, family: Family) -> Option<&Ruleset> {
        self.rulesets.iter().find(|r| r.family == family)
    }

    /// The file that a family's rules are from.
    pub fn dump(&self, family: Family) -> Option<&Source> {
        let index = self.rulesets.iter().position(|r| r.family == family)?;
        self.bundle.source_of(*self.dumps.get(index)?)
    }

    /// A fresh host.
    pub fn engine(&self) -> Engine {
        Engine::new(EngineInput {
            v4: self.ruleset(Family::V4),
            v6: self.ruleset(Family::V6),
            host: &self.inferred.host,
            config: &self.config,
        })
    }
}

/// Rulesets whose counters are what engines counted.
#[derive(Debug, Clone)]
pub struct Totals {
    /// Like [`Setup::rulesets`].
    pub rulesets: Vec<Ruleset>,
}

impl Totals {
    /// All counters 0, or those of the dumps.
    pub(crate) fn new(rulesets: &[Ruleset], keep: bool) -> Self {
        let mut totals = Self {
            rulesets: rulesets.to_vec(),
        };
        if !keep {
            totals.each(|_, counters| *counters = Counters::default());
        }
        totals
    }

    /// Adds what an engine counted.
    pub(crate) fn add(&mut self, engine: &Engine) {
        self.each(|rule, counters| {
            let counted = engine.counter(rule).unwrap_or_default();
            counters.packets = counters.packets.wrapping_add(counted.packets);
            counters.bytes = counters.bytes.wrapping_add(counted.bytes);
        });
    }

    /// The counters of a rule or policy.
    pub fn get(&self, rule: RuleRef) -> Option<Counters> {
        let ruleset = self.rulesets.iter().find(|r| r.family == rule.family)?;
        let chain = ruleset.table(rule.table)?.chains.get(rule.chain as usize)?;
        match rule.number {
            RuleNumber::Policy => chain.counters(),
            RuleNumber::Rule(number) => {
                let index = usize::try_from(number).ok()?.checked_sub(1)?;
                Some(chain.rules.get(index)?.counters)
            }
        }
    }

    fn each(&mut self, mut change: impl FnMut(RuleRef, &mut Counters)) {
        for ruleset in &mut self.rulesets {
            let family = ruleset.family;
            for table in &mut ruleset.tables {
                for (chain, index) in table.chains.iter_mut().zip(0..) {
                    let place = |number| RuleRef {
                        family,
                        table: table.kind,
                        chain: index,
                        number,
                    };
                    for (rule, number) in chain.rules.iter_mut().zip(1..) {
                        change(place(RuleNumber::Rule(number)), &mut rule.counters);
                    }
                    if let ChainKind::Base { counters, .. } = &mut chain.kind {
                        change(place(RuleNumber::Policy), counters);
                    }
                }
            }
        }
    }
}
