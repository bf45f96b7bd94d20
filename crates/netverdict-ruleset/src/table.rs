//! A family's ruleset and its tables.

use std::fmt;

use netverdict_net::Family;

use crate::{Chain, ChainId, Hook, Rule, RuleId, RuleText, TableKind, Version};

/// Which kernel machinery ran the dumped rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// ip_tables and ip6_tables.
    Legacy,
    /// nf_tables through iptables-nft.
    Nft,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Nft => "nft",
        })
    }
}

/// All tables of one family that a dump holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// IPv4 or IPv6.
    pub family: Family,
    /// Which backend printed the dump, where it says so.
    pub backend: Option<Backend>,
    /// The version of iptables that printed the dump, where it says so.
    pub version: Option<Version>,
    /// The tables, in dump order, each at most once. A table that is absent has no hooks: it accepts.
    pub tables: Vec<Table>,
}

impl Ruleset {
    /// No tables.
    pub const fn new(family: Family) -> Self {
        Self {
            family,
            backend: None,
            version: None,
            tables: Vec::new(),
        }
    }

    /// The table of that kind, if the dump has it.
    pub fn table(&self, kind: TableKind) -> Option<&Table> {
        self.tables.iter().find(|table| table.kind == kind)
    }

    /// The rule that an id names.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.table(id.table)?
            .chains
            .get(id.chain.index())?
            .rules
            .get(id.index as usize)
    }

    /// Every rule with its id, in dump order of tables and chains.
    pub fn rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.tables.iter().flat_map(Table::rules)
    }
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Which one.
    pub kind: TableKind,
    /// All built-in chains in the kernel's order, whether the dump names them or not, then user chains in dump order.
    pub chains: Vec<Chain>,
}

impl Table {
    /// The table as the kernel makes it: empty built-in chains with policy ACCEPT.
    pub fn new(kind: TableKind) -> Self {
        Self {
            kind,
            chains: kind.hooks().iter().copied().map(Chain::base).collect(),
        }
    }

    /// The chain of an id.
    pub fn chain(&self, id: ChainId) -> Option<&Chain> {
        self.chains.get(id.index())
    }

    /// The name of a chain; an id of another table gives `?`.
    pub fn chain_name(&self, id: ChainId) -> &str {
        self.chain(id).map_or("?", |chain| chain.name.as_str())
    }

    /// The id of the chain with this name.
    pub fn find(&self, name: &str) -> Option<ChainId> {
        let index = self.chains.iter().position(|chain| chain.name == name)?;
        u32::try_from(index).ok().map(ChainId)
    }

    /// The built-in chain at a hook, if the table has one there.
    pub fn base(&self, hook: Hook) -> Option<ChainId> {
        let index = self.kind.hooks().iter().position(|h| *h == hook)?;
        Some(ChainId(index as u32))
    }

    /// Every chain with its id.
    pub fn chains(&self) -> impl Iterator<Item = (ChainId, &Chain)> {
        (0u32..).map(ChainId).zip(&self.chains)
    }

    /// Every rule with its id.
    pub fn rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.chains().flat_map(move |(chain, c)| {
            (0u32..).zip(&c.rules).map(move |(index, rule)| {
                let table = self.kind;
                (
                    RuleId {
                        table,
                        chain,
                        index,
                    },
                    rule,
                )
            })
        })
    }

    /// A rule of this table ready to be printed.
    pub const fn text<'a>(&'a self, chain: ChainId, rule: &'a Rule) -> RuleText<'a> {
        RuleText {
            table: self,
            chain,
            rule,
        }
    }
}
