//! What is reviewed: the rulesets of a host with the text they are from, and what else its files tell.

use netverdict_bundle::{Bundle, SourceId};
use netverdict_host::Host;
use netverdict_ruleset::sets::SetCollection;
use netverdict_ruleset::{Chain, ChainId, Rule, Ruleset, Table};

use crate::finding::{Part, Place};

/// A host under review.
#[derive(Debug)]
pub struct Subject<'a> {
    /// IPv4 first.
    pub dumps: Vec<Dump<'a>>,
    /// What the sets that rules name hold, where a file tells.
    pub sets: Option<&'a SetCollection>,
    pub host: &'a Host,
    pub bundle: &'a Bundle,
}

/// A ruleset with its file.
#[derive(Debug)]
pub struct Dump<'a> {
    pub ruleset: &'a Ruleset,
    pub file: String,
    lines: Vec<String>,
}

impl<'a> Subject<'a> {
    /// A host whose rulesets are from these files of its bundle.
    pub fn new(
        bundle: &'a Bundle,
        rulesets: &'a [Ruleset],
        dumps: &[SourceId],
        sets: Option<&'a SetCollection>,
        host: &'a Host,
    ) -> Self {
        let dumps = rulesets.iter().zip(dumps).map(|(ruleset, id)| {
            let source = bundle.source_of(*id);
            Dump {
                ruleset,
                file: source.map_or_else(|| "?".to_owned(), |s| s.name.clone()),
                lines: source
                    .map_or_else(Vec::new, |s| s.text().lines().map(str::to_owned).collect()),
            }
        });
        Self {
            dumps: dumps.collect(),
            sets,
            host,
            bundle,
        }
    }
}

impl Dump<'_> {
    /// The file's line of that number, from 1.
    pub fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.lines.get(index).map(String::as_str)
    }

    /// All lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (u32, &str)> {
        (1..).zip(self.lines.iter().map(String::as_str))
    }

    fn place(&self, part: Part, line: u32) -> Place {
        let text = self.line(line).unwrap_or_default();
        let skipped = counters(text);
        let length = text.trim_end().chars().count() as u32;
        Place {
            file: self.file.clone(),
            family: Some(self.ruleset.family),
            part,
            line: self.line(line).map(|_| line),
            text: text.to_owned(),
            columns: (skipped + 1, length.max(skipped + 1)),
        }
    }

    /// Where a rule is.
    pub fn rule(&self, table: &Table, chain: ChainId, index: usize, rule: &Rule) -> Place {
        let part = Part::Rule {
            table: table.kind.name(),
            chain: table.chain_name(chain).to_owned(),
            number: index as u32 + 1,
        };
        let mut place = self.place(part, rule.line);
        if place.line.is_none() {
            place.text = table.text(chain, rule).to_string();
            place.columns = (1, place.text.chars().count() as u32);
        }
        place
    }

    /// Where a chain is declared; what is meant is its policy, if it has one and that is asked for.
    pub fn chain(&self, table: &Table, chain: &Chain, policy: bool) -> Place {
        let (table, name) = (table.kind.name(), chain.name.clone());
        let part = if policy {
            Part::Policy { table, chain: name }
        } else {
            Part::Chain { table, chain: name }
        };
        self.place(part, chain.line)
    }

    /// Where a table begins.
    pub fn table(&self, table: &Table) -> Place {
        let head = format!("*{}", table.kind.name());
        let line = self.lines().find(|(_, text)| text.trim_end() == head);
        let part = Part::Table {
            table: table.kind.name(),
        };
        self.place(part, line.map_or(0, |(number, _)| number))
    }

    /// The file itself.
    pub fn whole(&self) -> Place {
        self.place(Part::File, 1)
    }
}

/// How many characters before a rule are its counters: `[3:120] -A …`.
fn counters(line: &str) -> u32 {
    let Some((before, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return (line.chars().count() - line.trim_start().chars().count()) as u32;
    };
    let rest = line.chars().skip(before.chars().count() + 2);
    (before.chars().count() + 2 + rest.take_while(|c| c.is_whitespace()).count()) as u32
}
