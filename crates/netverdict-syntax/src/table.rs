//! A table while its lines come in: what each command does to it.

use std::collections::HashMap;

use netverdict_ruleset::{
    Backend, Chain, ChainId, ChainKind, Counters, Hook, Policy, Rule, Table, TableKind, Target,
};

use crate::check;
use crate::command::{Command, Draft, Verb, check_chain_length};
use crate::problem::{Code, Parsed, Problem};
use crate::targets;
use crate::words::Word;

/// A table under construction.
#[derive(Debug)]
pub(crate) struct TableDraft {
    pub(crate) kind: TableKind,
    /// The line that begins it.
    pub(crate) line: u32,
    /// Which backend's kernel half would load it.
    pub(crate) backend: Option<Backend>,
    /// Built-in chains in hook order, then user chains as they are declared.
    pub(crate) chains: Vec<ChainDraft>,
    by_name: HashMap<String, usize>,
}

/// A chain under construction.
#[derive(Debug)]
pub(crate) struct ChainDraft {
    pub(crate) name: String,
    pub(crate) kind: ChainKind,
    pub(crate) line: u32,
    pub(crate) rules: Vec<Draft>,
}

/// A problem that belongs to an earlier line.
pub(crate) struct Late {
    pub(crate) line: u32,
    pub(crate) problem: Problem,
    /// Whether the line was read nevertheless.
    pub(crate) is_warning: bool,
}

impl TableDraft {
    pub(crate) fn new(kind: TableKind, line: u32, backend: Option<Backend>) -> Self {
        let mut table = Self {
            kind,
            line,
            backend,
            chains: Vec::new(),
            by_name: HashMap::new(),
        };
        for hook in kind.hooks() {
            let chain = Chain::base(*hook);
            table.push(chain.name, chain.kind, 0);
        }
        table
    }

    fn push(&mut self, name: String, kind: ChainKind, line: u32) {
        self.by_name.insert(name.clone(), self.chains.len());
        self.chains.push(ChainDraft {
            name,
            kind,
            line,
            rules: Vec::new(),
        });
    }

    fn reindex(&mut self) {
        let names = self.chains.iter().enumerate();
        self.by_name = names.map(|(i, chain)| (chain.name.clone(), i)).collect();
    }

    /// Whether there is a chain of this name by now.
    pub(crate) fn is_chain(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The chain of this name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn chain(&mut self, word: Option<&Word>) -> Parsed<&mut ChainDraft> {
        let index = word.and_then(|word| self.find(&word.text));
        match index.and_then(|index| self.chains.get_mut(index)) {
            Some(chain) => Ok(chain),
            None => Err(no_chain(self.kind, word, &self.by_name)),
        }
    }

    /// `:NAME POLICY [packets:bytes]`.
    pub(crate) fn declare(
        &mut self,
        name: &Word,
        policy: Option<&Word>,
        counters: Option<Counters>,
        line: u32,
    ) -> Parsed<()> {
        check_chain_length(name)?;
        if Hook::from_chain_name(&name.text).is_none_or(|hook| !self.kind.hooks().contains(&hook)) {
            self.new_chain(name, line)?;
        }
        match policy {
            None => Err(Problem::new(Code::Policy, "a chain without a policy")
                .at(name.span)
                .expected("`ACCEPT`, `DROP`, or `-` for a user chain")),
            Some(policy) if policy.text == "-" => Ok(()),
            Some(policy) => self.set_policy(name, policy, counters.unwrap_or_default(), line),
        }
    }

    fn new_chain(&mut self, name: &Word, line: u32) -> Parsed<()> {
        let reserved = ["ACCEPT", "DROP", "QUEUE", "RETURN"].contains(&name.text.as_str());
        if reserved || self.is_chain(&name.text) {
            let message = if reserved {
                format!("a chain cannot be called `{}`", name.text)
            } else {
                format!("chain `{}` is there already", name.text)
            };
            return Err(Problem::new(Code::Chain, message).at(name.span));
        }
        self.push(name.text.clone(), ChainKind::User, line);
        Ok(())
    }

    fn set_policy(
        &mut self,
        name: &Word,
        policy: &Word,
        counters: Counters,
        line: u32,
    ) -> Parsed<()> {
        let value = match policy.text.as_str() {
            "ACCEPT" => Policy::Accept,
            "DROP" => Policy::Drop,
            other => {
                let message = format!("bad policy `{other}`");
                return Err(Problem::new(Code::Policy, message)
                    .at(policy.span)
                    .expected("`ACCEPT` or `DROP`"));
            }
        };
        let chain = self.chain(Some(name))?;
        let ChainKind::Base { hook, .. } = chain.kind else {
            let message = format!("user chain `{}` cannot have a policy", name.text);
            return Err(Problem::new(Code::Policy, message)
                .at(policy.span)
                .expected("`-`"));
        };
        chain.line = line;
        chain.kind = ChainKind::Base {
            hook,
            policy: value,
            counters,
        };
        Ok(())
    }

    /// Does what a line says.
    pub(crate) fn run(&mut self, command: Command, line: u32) -> Parsed<()> {
        let Command {
            verb,
            chain: word,
            mut drafts,
            counters,
            ..
        } = command;
        for draft in &mut drafts {
            draft.rule.line = line;
        }
        let word = word.as_ref();
        match verb {
            Verb::Append => self.chain(word)?.rules.extend(drafts),
            Verb::Insert(number) => self.insert(word, number, drafts)?,
            Verb::Replace(number) => self.replace(word, number, drafts)?,
            Verb::Delete => self.delete(word, &drafts)?,
            Verb::DeleteNumber(number) => {
                let rules = &mut self.chain(word)?.rules;
                let index = existing(rules.len(), number)?;
                rules.remove(index);
            }
            Verb::Check => {
                let rules = &self.chain(word)?.rules;
                if !drafts.iter().all(|d| rules.iter().any(|r| same(r, d))) {
                    return Err(no_rule());
                }
            }
            Verb::Flush => self.for_chains(word, |chain| chain.rules.clear())?,
            Verb::Zero => self.for_chains(word, zero)?,
            Verb::NewChain => word.map_or(Ok(()), |name| self.new_chain(name, line))?,
            Verb::DeleteChain => self.delete_chain(word)?,
            Verb::RenameChain(name) => self.rename(word, &name)?,
            Verb::Policy(policy) => {
                if let Some(name) = word {
                    self.set_policy(name, &policy, counters, line)?;
                }
            }
            Verb::List => {}
        }
        Ok(())
    }

    /// Each rule goes before the same number, so several end up in reverse.
    fn insert(&mut self, word: Option<&Word>, number: u32, drafts: Vec<Draft>) -> Parsed<()> {
        let rules = &mut self.chain(word)?.rules;
        let index = number as usize - 1;
        if index > rules.len() {
            let message = format!("cannot insert rule {number}: the chain has {}", rules.len());
            return Err(Problem::new(Code::Command, message));
        }
        for draft in drafts {
            rules.insert(index, draft);
        }
        Ok(())
    }

    fn replace(&mut self, word: Option<&Word>, number: u32, drafts: Vec<Draft>) -> Parsed<()> {
        let rules = &mut self.chain(word)?.rules;
        let index = existing(rules.len(), number)?;
        let Ok([draft]) = <[Draft; 1]>::try_from(drafts) else {
            return Err(Problem::new(
                Code::Command,
                "cannot replace a rule by several",
            ));
        };
        rules[index] = draft;
        Ok(())
    }

    fn delete(&mut self, word: Option<&Word>, drafts: &[Draft]) -> Parsed<()> {
        let rules = &mut self.chain(word)?.rules;
        for draft in drafts {
            let index = rules.iter().position(|rule| same(rule, draft));
            rules.remove(index.ok_or_else(no_rule)?);
        }
        Ok(())
    }

    fn for_chains(&mut self, word: Option<&Word>, change: impl Fn(&mut ChainDraft)) -> Parsed<()> {
        match word {
            Some(_) => change(self.chain(word)?),
            None => self.chains.iter_mut().for_each(change),
        }
        Ok(())
    }

    fn delete_chain(&mut self, word: Option<&Word>) -> Parsed<()> {
        let Some(word) = word else {
            let is_user = |chain: &ChainDraft| chain.kind == ChainKind::User;
            if let Some(chain) = self
                .chains
                .iter()
                .find(|c| is_user(c) && !self.is_deletable(c))
            {
                return Err(not_deletable(&chain.name));
            }
            self.chains.retain(|chain| !is_user(chain));
            self.reindex();
            return Ok(());
        };
        let index = self
            .find(&word.text)
            .ok_or_else(|| no_chain(self.kind, Some(word), &self.by_name))?;
        let chain = &self.chains[index];
        if chain.kind != ChainKind::User || !self.is_deletable(chain) {
            return Err(not_deletable(&word.text).at(word.span));
        }
        self.chains.remove(index);
        self.reindex();
        Ok(())
    }

    fn is_deletable(&self, chain: &ChainDraft) -> bool {
        let mut jumps = self
            .chains
            .iter()
            .flat_map(|c| &c.rules)
            .filter_map(|r| r.jump.as_ref());
        chain.rules.is_empty() && !jumps.any(|jump| jump.name.text == chain.name)
    }

    fn rename(&mut self, word: Option<&Word>, name: &Word) -> Parsed<()> {
        if self.is_chain(&name.text) {
            let message = format!("chain `{}` is there already", name.text);
            return Err(Problem::new(Code::Chain, message).at(name.span));
        }
        let chain = self.chain(word)?;
        if chain.kind != ChainKind::User {
            return Err(Problem::new(
                Code::Command,
                "a built-in chain cannot be renamed",
            ));
        }
        let old = std::mem::replace(&mut chain.name, name.text.clone());
        for rule in self.chains.iter_mut().flat_map(|c| &mut c.rules) {
            if let Some(jump) = rule.jump.as_mut().filter(|jump| jump.name.text == old) {
                jump.name.text.clone_from(&name.text);
            }
        }
        self.reindex();
        Ok(())
    }

    /// Resolves jumps, leaves out what the kernel would refuse, and makes the table.
    pub(crate) fn finish(mut self) -> (Table, Vec<Late>) {
        let mut late = Vec::new();
        self.resolve(&mut late);
        check::run(&mut self, &mut late);
        let chains = self.chains.into_iter().map(|chain| Chain {
            name: chain.name,
            kind: chain.kind,
            rules: chain.rules.into_iter().map(|draft| draft.rule).collect(),
            line: chain.line,
        });
        let table = Table {
            kind: self.kind,
            chains: chains.collect(),
        };
        (table, late)
    }

    fn resolve(&mut self, late: &mut Vec<Late>) {
        let Self {
            chains, by_name, ..
        } = self;
        let base = |chain: &ChainDraft| chain.kind != ChainKind::User;
        let declared: Vec<_> = chains
            .iter()
            .map(|chain| (base(chain), chain.line))
            .collect();
        for chain in chains {
            chain
                .rules
                .retain_mut(|draft| match resolve(draft, by_name, &declared) {
                    Ok(None) => true,
                    Ok(Some(problem)) => {
                        late.push(Late {
                            line: draft.rule.line,
                            problem,
                            is_warning: true,
                        });
                        true
                    }
                    Err(problem) => {
                        late.push(Late {
                            line: draft.rule.line,
                            problem,
                            is_warning: false,
                        });
                        false
                    }
                });
        }
    }
}

/// Gives a jump its chain. A chain that is declared below the jump is found too, with a warning.
fn resolve(
    draft: &mut Draft,
    by_name: &HashMap<String, usize>,
    declared: &[(bool, u32)],
) -> Parsed<Option<Problem>> {
    let Some(jump) = &draft.jump else {
        return Ok(None);
    };
    let Some(index) = by_name.get(&jump.name.text).copied() else {
        return Err(no_target(&jump.name.text, jump.is_goto, by_name).at(jump.name.span));
    };
    let id = ChainId(index as u32);
    draft.rule.target = Some(if jump.is_goto {
        Target::Goto(id)
    } else {
        Target::Jump(id)
    });
    let (is_base, line) = declared.get(index).copied().unwrap_or_default();
    if is_base {
        let message = format!(
            "a rule cannot jump to the built-in chain `{}`",
            jump.name.text
        );
        return Err(Problem::new(Code::Chain, message).at(jump.name.span));
    }
    let is_below = line > draft.rule.line;
    Ok(is_below.then(|| {
        let message = format!("chain `{}` is declared below this jump", jump.name.text);
        Problem::new(Code::Chain, message)
            .at(jump.name.span)
            .help("iptables-restore wants it declared before")
    }))
}

fn no_target(name: &str, is_goto: bool, chains: &HashMap<String, usize>) -> Problem {
    let message = if is_goto {
        format!("`{name}` is no chain of this table")
    } else {
        format!("no target or chain `{name}`")
    };
    let targets = targets::names().filter(|_| !is_goto);
    let mut known: Vec<&str> = targets.collect();
    known.extend(sorted(chains));
    Problem::new(Code::Chain, message)
        .help(format!("declare the chain: `:{name} - [0:0]`"))
        .did_you_mean(name, known)
}

/// Chain names in an order that is always the same.
fn sorted(chains: &HashMap<String, usize>) -> Vec<&str> {
    let mut names: Vec<&str> = chains.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn no_chain(table: TableKind, word: Option<&Word>, chains: &HashMap<String, usize>) -> Problem {
    let name = word.map_or("?", |word| word.text.as_str());
    let problem = Problem::new(
        Code::Chain,
        format!("no chain `{name}` in the {table} table"),
    );
    let problem = match word {
        Some(word) => problem.at(word.span),
        None => problem,
    };
    problem
        .help(format!("declare the chain: `:{name} - [0:0]`"))
        .did_you_mean(name, sorted(chains))
}

fn no_rule() -> Problem {
    Problem::new(Code::Command, "no such rule in the chain")
}

fn not_deletable(name: &str) -> Problem {
    let message = format!("chain `{name}` is built-in, not empty or jumped to");
    Problem::new(Code::Command, message)
}

fn existing(len: usize, number: u32) -> Parsed<usize> {
    let index = number as usize - 1;
    if index < len {
        return Ok(index);
    }
    let message = format!("no rule {number}: the chain has {len}");
    Err(Problem::new(Code::Command, message))
}

/// Whether `-D` takes the two for the same rule: counters and lines aside.
fn same(a: &Draft, b: &Draft) -> bool {
    let plain = |draft: &Draft| Rule {
        counters: Counters::default(),
        line: 0,
        ..draft.rule.clone()
    };
    let jump = |draft: &Draft| {
        let jump = draft.jump.as_ref();
        jump.map(|jump| (jump.name.text.clone(), jump.is_goto))
    };
    plain(a) == plain(b) && jump(a) == jump(b)
}

fn zero(chain: &mut ChainDraft) {
    for draft in &mut chain.rules {
        draft.rule.counters = Counters::default();
    }
    if let ChainKind::Base { counters, .. } = &mut chain.kind {
        *counters = Counters::default();
    }
}
