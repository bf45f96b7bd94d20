//! What a run of random cases has exercised: a match that is never hit is a failure of the generator.

use std::collections::BTreeMap;
use std::fmt;

use netverdict_engine::{ExtensionKind, ExtensionStatus};
use netverdict_forge::random::Vocabulary;

use crate::KernelRun;
use crate::rig::Counters;

/// In how many cases an extension stood in a rule that packets matched, and in one that they did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Use {
    /// Cases that have it.
    pub cases: u32,
    /// Cases where a rule with it matched a packet.
    pub hit: u32,
    /// Cases where a rule with it matched none.
    pub missed: u32,
}

/// The tally over all cases, by `-m name` and `-j NAME`.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    uses: BTreeMap<String, Use>,
}

impl Reach {
    /// Counts one case.
    pub fn count(&mut self, run: &KernelRun) {
        let mut seen: BTreeMap<String, (bool, bool)> = BTreeMap::new();
        for (_, counters) in &run.counters {
            for (rule, matched) in rules(counters) {
                for name in extensions(rule) {
                    let (hit, missed) = seen.entry(name).or_default();
                    *hit |= matched;
                    *missed |= !matched;
                }
            }
        }
        for (name, (hit, missed)) in seen {
            let tally = self.uses.entry(name).or_default();
            tally.cases += 1;
            tally.hit += u32::from(hit);
            tally.missed += u32::from(missed);
        }
    }

    /// The extensions of a vocabulary that no packet has matched, and the matches that every packet has. What needs facts
    /// is not asked for: a namespace has no sockets, fingerprints or bridges.
    pub fn unreached(&self, words: &Vocabulary) -> Vec<String> {
        let matches = words
            .matches()
            .iter()
            .map(|name| (ExtensionKind::Match, "-m", *name));
        let targets = words
            .targets()
            .iter()
            .map(|name| (ExtensionKind::Target, "-j", *name));
        matches
            .chain(targets)
            .filter(|(kind, _, name)| is_exact(*kind, name))
            .map(|(_, option, name)| format!("{option} {name}"))
            .filter(|name| self.of(name).hit == 0 || self.of(name).missed == 0)
            .collect()
    }

    /// The tally of one extension.
    pub fn of(&self, name: &str) -> Use {
        self.uses.get(name).copied().unwrap_or_default()
    }
}

/// Whether nothing but dump and capture decides it.
fn is_exact(kind: ExtensionKind, name: &str) -> bool {
    netverdict_engine::extensions()
        .any(|e| (e.kind, e.name, e.status) == (kind, name, ExtensionStatus::Exact))
}

/// A line for each extension.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20} {:>6} {:>6} {:>6}",
            "extension", "cases", "hit", "missed"
        )?;
        for (name, tally) in &self.uses {
            let Use { cases, hit, missed } = tally;
            writeln!(f, "{name:<20} {cases:>6} {hit:>6} {missed:>6}")?;
        }
        Ok(())
    }
}

fn rules(counters: &Counters) -> impl Iterator<Item = (&str, bool)> {
    let chains = counters.tables.iter().flat_map(|t| &t.chains);
    let rules = chains.flat_map(|c| &c.rules);
    rules.map(|(counter, rule)| (rule.as_str(), counter.packets > 0))
}

/// The names behind `-m` and `-j` of a saved rule. Quoted text may hold anything.
fn extensions(rule: &str) -> Vec<String> {
    let plain: String = rule.split('"').step_by(2).collect();
    let mut words = plain.split(' ');
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        if matches!(word, "-m" | "-j") {
            names.extend(words.next().map(|name| format!("{word} {name}")));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_names_no_extension() {
        let rule = r#"-A a -p tcp -m tcp --dport 1 -m comment --comment "-j DROP" -j ACCEPT"#;
        assert_eq!(extensions(rule), ["-m tcp", "-m comment", "-j ACCEPT"]);
    }
}
