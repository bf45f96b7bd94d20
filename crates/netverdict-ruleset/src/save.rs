//! A whole ruleset as `iptables-restore` followed by `iptables-save` prints it, comment lines with dates aside.

use std::fmt;

use crate::{Chain, ChainId, ChainKind, Counters, RuleId, Ruleset, Table};

/// Where the numbers in brackets come from.
pub trait SaveCounters {
    /// The counters of a rule.
    fn rule(&self, id: RuleId) -> Counters;
    /// The counters of a built-in chain's policy.
    fn policy(&self, table: crate::TableKind, chain: ChainId) -> Counters;
}

/// The counters that the ruleset carries.
impl SaveCounters for Ruleset {
    fn rule(&self, id: RuleId) -> Counters {
        Self::rule(self, id).map_or_else(Counters::default, |rule| rule.counters)
    }

    fn policy(&self, table: crate::TableKind, chain: ChainId) -> Counters {
        self.table(table)
            .and_then(|table| table.chain(chain)?.counters())
            .unwrap_or_default()
    }
}

/// A ruleset ready to be printed: `Display` gives the text of `iptables-save -c` (without `-c` if there are no counters).
///
/// Tables come last-loaded first, as the kernel lists them; built-in chains in hook order, user chains sorted by name.
#[derive(Clone, Copy)]
pub struct Save<'a> {
    ruleset: &'a Ruleset,
    counters: Option<&'a (dyn SaveCounters + Sync)>,
}

impl fmt::Debug for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").finish_non_exhaustive()
    }
}

impl<'a> Save<'a> {
    /// With counters of the caller's own.
    pub const fn with_counters(
        ruleset: &'a Ruleset,
        counters: &'a (dyn SaveCounters + Sync),
    ) -> Self {
        Self {
            ruleset,
            counters: Some(counters),
        }
    }

    /// With the counters that the dump had.
    pub const fn with_own_counters(ruleset: &'a Ruleset) -> Self {
        Self::with_counters(ruleset, ruleset)
    }

    /// As `iptables-save` without `-c`: rules bare, policies with `[0:0]`.
    pub const fn without_counters(ruleset: &'a Ruleset) -> Self {
        Self {
            ruleset,
            counters: None,
        }
    }

    /// The text in pieces, for who prints several at once: behind each other they are the whole.
    pub fn pieces(self) -> Vec<Piece<'a>> {
        let tables = self.ruleset.tables.iter().rev();
        tables.flat_map(|table| self.pieces_of(table)).collect()
    }

    fn pieces_of(self, table: &'a Table) -> Vec<Piece<'a>> {
        let piece = |content| Piece {
            save: self,
            table,
            content,
        };
        let chains = save_order(table);
        let mut pieces = Vec::new();
        for (id, chain) in &chains {
            for first in (0..chain.rules.len()).step_by(Piece::RULES) {
                pieces.push(piece(Content::Rules(*id, chain, first)));
            }
        }
        pieces.insert(0, piece(Content::Chains(chains)));
        pieces.push(piece(Content::End));
        pieces
    }
}

/// A piece of a table's text.
#[derive(Debug)]
pub struct Piece<'a> {
    save: Save<'a>,
    table: &'a Table,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    /// The table's name, and its chains.
    Chains(Vec<(ChainId, &'a Chain)>),
    /// Rules of a chain, from this one on.
    Rules(ChainId, &'a Chain, usize),
    End,
}

impl Piece<'_> {
    /// So many rules at most.
    const RULES: usize = 256;

    fn write_declaration(
        &self,
        f: &mut fmt::Formatter<'_>,
        id: ChainId,
        chain: &Chain,
    ) -> fmt::Result {
        match chain.kind {
            ChainKind::User => writeln!(f, ":{} - [0:0]", chain.name),
            ChainKind::Base { policy, .. } => {
                let counters = self.save.counters.map(|c| c.policy(self.table.kind, id));
                let counters = counters.unwrap_or_default();
                writeln!(f, ":{} {policy} {counters}", chain.name)
            }
        }
    }

    fn write_rules(
        &self,
        f: &mut fmt::Formatter<'_>,
        id: ChainId,
        chain: &Chain,
        first: usize,
    ) -> fmt::Result {
        let rules = chain.rules.iter().skip(first).take(Self::RULES);
        for (index, rule) in (first as u32..).zip(rules) {
            if let Some(counters) = self.save.counters {
                let id = RuleId {
                    table: self.table.kind,
                    chain: id,
                    index,
                };
                write!(f, "{} ", counters.rule(id))?;
            }
            writeln!(f, "{}", self.table.text(id, rule))?;
        }
        Ok(())
    }
}

impl fmt::Display for Piece<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Chains(chains) => {
                writeln!(f, "*{}", self.table.kind)?;
                let mut chains = chains.iter();
                chains.try_for_each(|(id, chain)| self.write_declaration(f, *id, chain))
            }
            Content::Rules(id, chain, first) => self.write_rules(f, *id, chain, *first),
            Content::End => writeln!(f, "COMMIT"),
        }
    }
}

/// Built-in chains as they are, user chains by name (libiptc inserts them sorted).
fn save_order(table: &Table) -> Vec<(ChainId, &Chain)> {
    let mut chains: Vec<_> = table.chains().collect();
    chains.sort_by_key(|(id, chain)| match chain.kind {
        ChainKind::Base { .. } => (false, id.0, &[][..]),
        ChainKind::User => (true, 0, chain.name.as_bytes()),
    });
    chains
}

impl fmt::Display for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pieces = self.pieces();
        pieces.iter().try_for_each(|piece| write!(f, "{piece}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hook, TableKind};

    #[test]
    fn all_rules_of_a_long_chain_are_printed_in_their_order() {
        let mut table = Table::new(TableKind::Filter);
        let input = Chain::base(Hook::Input);
        let place = table.chains.iter().position(|c| c.name == input.name);
        let numbers = 0..2 * Piece::RULES as u64 + 3;
        let rules = numbers.clone().map(|packets| crate::Rule {
            counters: Counters { packets, bytes: 7 },
            ..crate::Rule::default()
        });
        table.chains[place.unwrap()].rules = rules.collect();
        let mut ruleset = Ruleset::new(netverdict_net::Family::V4);
        ruleset.tables.push(table);
        let printed = Save::with_own_counters(&ruleset).to_string();
        let rules: Vec<_> = printed
            .lines()
            .filter(|line| line.contains("-A INPUT"))
            .collect();
        let wanted: Vec<_> = numbers.map(|n| format!("[{n}:7] -A INPUT")).collect();
        assert_eq!(rules, wanted);
        assert!(printed.starts_with("*filter\n:INPUT ACCEPT [0:0]\n"));
        assert!(printed.ends_with("-A INPUT\nCOMMIT\n"));
    }
}
