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
    counters: Option<&'a dyn SaveCounters>,
}

impl fmt::Debug for Save<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").finish_non_exhaustive()
    }
}

impl<'a> Save<'a> {
    /// With counters of the caller's own.
    pub const fn with_counters(ruleset: &'a Ruleset, counters: &'a dyn SaveCounters) -> Self {
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

    fn write_table(&self, f: &mut fmt::Formatter<'_>, table: &Table) -> fmt::Result {
        writeln!(f, "*{}", table.kind)?;
        let chains = save_order(table);
        for (id, chain) in &chains {
            self.write_declaration(f, table, *id, chain)?;
        }
        for (id, chain) in &chains {
            self.write_rules(f, table, *id, chain)?;
        }
        writeln!(f, "COMMIT")
    }

    fn write_declaration(
        &self,
        f: &mut fmt::Formatter<'_>,
        table: &Table,
        id: ChainId,
        chain: &Chain,
    ) -> fmt::Result {
        match chain.kind {
            ChainKind::User => writeln!(f, ":{} - [0:0]", chain.name),
            ChainKind::Base { policy, .. } => {
                let counters = self.counters.map(|c| c.policy(table.kind, id));
                let counters = counters.unwrap_or_default();
                writeln!(f, ":{} {policy} {counters}", chain.name)
            }
        }
    }

    fn write_rules(
        &self,
        f: &mut fmt::Formatter<'_>,
        table: &Table,
        id: ChainId,
        chain: &Chain,
    ) -> fmt::Result {
        for (index, rule) in (0u32..).zip(&chain.rules) {
            if let Some(counters) = self.counters {
                let id = RuleId {
                    table: table.kind,
                    chain: id,
                    index,
                };
                write!(f, "{} ", counters.rule(id))?;
            }
            writeln!(f, "{}", table.text(id, rule))?;
        }
        Ok(())
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
        self.ruleset
            .tables
            .iter()
            .rev()
            .try_for_each(|table| self.write_table(f, table))
    }
}
