//! Hooks, tables, and the one table that says in which order they run.

use std::fmt;

/// A netfilter hook. The order is the kernel's numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// Every packet that comes in, before routing.
    Prerouting,
    /// Packets for this host.
    Input,
    /// Packets routed through this host.
    Forward,
    /// Packets of this host, before they leave.
    Output,
    /// Every packet that goes out, after routing.
    Postrouting,
}

impl Hook {
    /// All hooks in the kernel's order.
    pub const ALL: [Self; 5] = [
        Self::Prerouting,
        Self::Input,
        Self::Forward,
        Self::Output,
        Self::Postrouting,
    ];

    /// The name of the built-in chain at this hook.
    pub const fn chain_name(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }

    /// The hook whose built-in chain has this name.
    pub fn from_chain_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.chain_name() == name)
    }

    /// The tables at this hook, first to run first.
    pub const fn tables(self) -> &'static [TableAt] {
        let (_, tables) = HOOK_ORDER[self as usize];
        tables
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.chain_name())
    }
}

/// One of the five tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TableKind {
    /// Before connection tracking.
    Raw,
    /// Rewrites header fields and marks.
    Mangle,
    /// Chooses translations for new connections.
    Nat,
    /// Decides.
    Filter,
    /// Labels for a security module.
    Security,
}

impl TableKind {
    /// All tables.
    pub const ALL: [Self; 5] = [
        Self::Raw,
        Self::Mangle,
        Self::Nat,
        Self::Filter,
        Self::Security,
    ];

    /// The table's name in a dump.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
            Self::Filter => "filter",
            Self::Security => "security",
        }
    }

    /// The table of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The hooks with a built-in chain of this table, in the kernel's order.
    pub const fn hooks(self) -> &'static [Hook] {
        match self {
            Self::Raw => &[Hook::Prerouting, Hook::Output],
            Self::Mangle => &Hook::ALL,
            Self::Nat => &[
                Hook::Prerouting,
                Hook::Input,
                Hook::Output,
                Hook::Postrouting,
            ],
            Self::Filter | Self::Security => &[Hook::Input, Hook::Forward, Hook::Output],
        }
    }
}

impl fmt::Display for TableKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which side of a connection the nat table translates at a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NatSide {
    /// PREROUTING and OUTPUT choose a destination.
    Destination,
    /// INPUT and POSTROUTING choose a source.
    Source,
}

/// A table's place at a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableAt {
    /// The table.
    pub table: TableKind,
    /// The kernel's priority; lower runs first. Connection tracking is at -200, its confirmation after everything.
    pub priority: i32,
    /// For nat, the side it translates here.
    pub nat: Option<NatSide>,
}

const fn at(table: TableKind, priority: i32) -> TableAt {
    TableAt {
        table,
        priority,
        nat: None,
    }
}

const fn nat(side: NatSide) -> TableAt {
    TableAt {
        table: TableKind::Nat,
        priority: match side {
            NatSide::Destination => -100,
            NatSide::Source => 100,
        },
        nat: Some(side),
    }
}

const RAW: TableAt = at(TableKind::Raw, -300);
const MANGLE: TableAt = at(TableKind::Mangle, -150);
const FILTER: TableAt = at(TableKind::Filter, 0);
const SECURITY: TableAt = at(TableKind::Security, 50);

/// Which tables run at which hook, in order (netfilter_ipv4.h, `enum nf_ip_hook_priorities`; IPv6 has the same).
///
/// ```text
///                              ┌─ INPUT ─────────────┐
///                              │ mangle   filter     │
///  in ─► PREROUTING ─► routing ┤ security nat (SNAT) ├─► local process
///        raw                   └─────────────────────┘        │
///        [conntrack]     │                                    ▼
///        mangle          │                                 routing
///        nat (DNAT)      ▼                                    │
///                     FORWARD                                 ▼
///                     mangle                               OUTPUT
///                     filter                               raw  [conntrack]
///                     security                             mangle  nat (DNAT)
///                        │                                 filter  security
///                        └──────────► POSTROUTING ◄───────────┘
///                                     mangle
///                                     nat (SNAT)
///                                        │
///                                        ▼ out
/// ```
pub const HOOK_ORDER: [(Hook, &[TableAt]); 5] = [
    (Hook::Prerouting, &[RAW, MANGLE, nat(NatSide::Destination)]),
    (
        Hook::Input,
        &[MANGLE, FILTER, SECURITY, nat(NatSide::Source)],
    ),
    (Hook::Forward, &[MANGLE, FILTER, SECURITY]),
    (
        Hook::Output,
        &[RAW, MANGLE, nat(NatSide::Destination), FILTER, SECURITY],
    ),
    (Hook::Postrouting, &[MANGLE, nat(NatSide::Source)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hook_order_is_indexed_by_hook_and_sorted_by_priority() {
        for (index, (hook, tables)) in HOOK_ORDER.iter().enumerate() {
            assert_eq!(*hook as usize, index);
            assert!(tables.is_sorted_by_key(|at| at.priority));
        }
    }

    #[test]
    fn hook_order_and_table_hooks_agree() {
        for table in TableKind::ALL {
            for hook in Hook::ALL {
                let there = hook.tables().iter().any(|at| at.table == table);
                assert_eq!(there, table.hooks().contains(&hook), "{table} at {hook}");
            }
        }
    }
}
