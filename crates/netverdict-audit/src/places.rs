//! Rules of a replay as places of findings.

use netverdict_engine::{RuleNumber, RuleRef};
use netverdict_lint::{Part, Place, Subject};
use netverdict_replay::Setup;
use netverdict_ruleset::ChainId;

/// The host of a replay as a review sees it.
pub fn subject(setup: &Setup) -> Subject<'_> {
    Subject::new(
        &setup.bundle,
        &setup.rulesets,
        &setup.dumps,
        setup.sets.as_ref(),
        &setup.inferred.host,
    )
}

/// Finds places of rules.
#[derive(Debug, Clone, Copy)]
pub struct Places<'s> {
    pub subject: &'s Subject<'s>,
}

impl Places<'_> {
    /// The place of a rule or policy; of none, the first file as a whole.
    pub fn of(&self, rule: Option<RuleRef>) -> Place {
        rule.and_then(|rule| self.rule(rule))
            .unwrap_or_else(|| self.whole())
    }

    fn rule(&self, rule: RuleRef) -> Option<Place> {
        let mut dumps = self.subject.dumps.iter();
        let dump = dumps.find(|d| d.ruleset.family == rule.family)?;
        let table = dump.ruleset.table(rule.table)?;
        let id = ChainId(rule.chain);
        let chain = table.chain(id)?;
        Some(match rule.number {
            RuleNumber::Policy => dump.chain(table, chain, true),
            RuleNumber::Rule(number) => {
                let index = (number as usize).checked_sub(1)?;
                dump.rule(table, id, index, chain.rules.get(index)?)
            }
        })
    }

    fn whole(&self) -> Place {
        match self.subject.dumps.first() {
            Some(dump) => dump.whole(),
            None => Place {
                file: self.subject.bundle.name.clone(),
                family: None,
                part: Part::File,
                line: None,
                text: String::new(),
                columns: (1, 1),
            },
        }
    }
}
