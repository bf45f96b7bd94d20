//! One rule: the built-in tests, the matches left to right, the target, the counters.

use std::fmt;

use netverdict_net::{AddrMask, InterfacePattern, Protocol};

use crate::value::bang;
use crate::{ChainId, Invertible, Match, Table, TableKind, Target};

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes, from the IP header on.
    pub bytes: u64,
}

/// `[packets:bytes]`.
impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:{}]", self.packets, self.bytes)
    }
}

/// What `-f` tests. IPv4 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FragmentTest {
    /// `-f`: second and later fragments (offset not 0).
    Later,
    /// `! -f`: first fragments and whole packets.
    HeadOrWhole,
}

/// One rule of a chain. All tests must hold; they run in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rule {
    /// `-s`.
    pub source: Option<Invertible<AddrMask>>,
    /// `-d`.
    pub destination: Option<Invertible<AddrMask>>,
    /// `-i`.
    pub in_interface: Option<Invertible<InterfacePattern>>,
    /// `-o`.
    pub out_interface: Option<Invertible<InterfacePattern>>,
    /// `-p`; `None` is any protocol.
    pub protocol: Option<Invertible<Protocol>>,
    /// `-f`.
    pub fragment: Option<FragmentTest>,
    /// `-m …`, left to right.
    pub matches: Vec<Match>,
    /// `-j` or `-g`; a rule without one only counts.
    pub target: Option<Target>,
    /// What the dump says it counted.
    pub counters: Counters,
    /// Line of the dump, counted from 1; 0 for a rule no dump holds.
    pub line: u32,
}

/// Which rule of which chain of which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId {
    /// The table.
    pub table: TableKind,
    /// The chain.
    pub chain: ChainId,
    /// Index of the rule in its chain, from 0.
    pub index: u32,
}

impl RuleId {
    /// The rule's number as `iptables -L --line-numbers` counts: from 1.
    pub const fn number(self) -> u32 {
        self.index + 1
    }
}

/// A rule with the table that names its chains: prints as `-A CHAIN …`.
#[derive(Debug, Clone, Copy)]
pub struct RuleText<'a> {
    /// The table the rule is in.
    pub table: &'a Table,
    /// The chain the rule is in.
    pub chain: ChainId,
    /// The rule.
    pub rule: &'a Rule,
}

impl fmt::Display for RuleText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "-A {}", self.table.chain_name(self.chain))?;
        self.rule.write_tests(f)?;
        match &self.rule.target {
            None => Ok(()),
            Some(Target::Jump(chain)) => write!(f, " -j {}", self.table.chain_name(*chain)),
            Some(Target::Goto(chain)) => write!(f, " -g {}", self.table.chain_name(*chain)),
            Some(target) => write!(f, " {target}"),
        }
    }
}

impl Rule {
    /// Writes everything before the target, a blank before each part.
    fn write_tests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_option(f, "-s", self.source.as_ref())?;
        write_option(f, "-d", self.destination.as_ref())?;
        write_interface(f, "-i", self.in_interface.as_ref())?;
        write_interface(f, "-o", self.out_interface.as_ref())?;
        if let Some(protocol) = self.protocol {
            let name = crate::protocol::name(protocol.value);
            write!(f, "{} -p {name}", protocol.bang())?;
        }
        if let Some(test) = self.fragment {
            write!(f, "{} -f", bang(test == FragmentTest::HeadOrWhole))?;
        }
        for m in &self.matches {
            write!(f, " {m}")?;
        }
        Ok(())
    }
}

fn write_option<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    test: Option<&Invertible<T>>,
) -> fmt::Result {
    match test {
        Some(test) => write!(f, "{} {option} {}", test.bang(), test.value),
        None => Ok(()),
    }
}

/// `-i +` is not printed: iptables-save takes the empty mask for "no test", even inverted.
fn write_interface(
    f: &mut fmt::Formatter<'_>,
    option: &str,
    test: Option<&Invertible<InterfacePattern>>,
) -> fmt::Result {
    write_option(f, option, test.filter(|test| !test.value.is_any()))
}
