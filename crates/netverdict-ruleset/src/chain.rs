//! Chains: built-in ones with a policy, and those a dump declares.

use std::fmt;

use crate::{Counters, Hook, Rule};

/// A chain's place in its table: an index into [`Table::chains`](crate::Table::chains).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChainId(pub u32);

impl ChainId {
    /// The index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What happens to a packet that no rule of a built-in chain decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Policy {
    /// It goes on.
    #[default]
    Accept,
    /// It is dropped.
    Drop,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
        })
    }
}

/// Built-in or declared by the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChainKind {
    /// The chain a hook enters, with its policy and the policy's counters.
    Base {
        /// The hook.
        hook: Hook,
        /// What its end does.
        policy: Policy,
        /// Packets and bytes that the policy decided.
        counters: Counters,
    },
    /// A chain that rules jump to.
    User,
}

/// A named list of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The name, any characters (see [`text`](crate::text) for bytes that are no UTF-8).
    pub name: String,
    /// Built-in or user.
    pub kind: ChainKind,
    /// The rules in order.
    pub rules: Vec<Rule>,
    /// Where the dump declares it (`:NAME` or `-N`), counted from 1; 0 for a built-in chain the dump leaves out.
    pub line: u32,
}

impl Chain {
    /// An empty built-in chain with policy ACCEPT, as the kernel makes it.
    pub fn base(hook: Hook) -> Self {
        Self {
            name: hook.chain_name().to_owned(),
            kind: ChainKind::Base {
                hook,
                policy: Policy::Accept,
                counters: Counters::default(),
            },
            rules: Vec::new(),
            line: 0,
        }
    }

    /// An empty user chain.
    pub fn user(name: impl Into<String>, line: u32) -> Self {
        Self {
            name: name.into(),
            kind: ChainKind::User,
            rules: Vec::new(),
            line,
        }
    }

    /// The hook that enters it, if it is built-in.
    pub const fn hook(&self) -> Option<Hook> {
        match self.kind {
            ChainKind::Base { hook, .. } => Some(hook),
            ChainKind::User => None,
        }
    }

    /// The policy, if it is built-in.
    pub const fn policy(&self) -> Option<Policy> {
        match self.kind {
            ChainKind::Base { policy, .. } => Some(policy),
            ChainKind::User => None,
        }
    }

    /// The policy's counters; none for a user chain.
    pub const fn counters(&self) -> Option<Counters> {
        match self.kind {
            ChainKind::Base { counters, .. } => Some(counters),
            ChainKind::User => None,
        }
    }
}
