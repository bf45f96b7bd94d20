//! One rule, ready to run.

use std::ops::Range;

use netverdict_net::{AddrMask, Family, InterfacePattern, Protocol};
use netverdict_ruleset::{
    Backend, ChainId, FragmentTest, Invertible, Match, Rule, TableKind, Target,
};

use super::ChainProgram;
use crate::state::State;
use crate::{Config, RuleNumber, RuleRef, matches, targets};

/// What compiling a rule may use.
#[derive(Debug)]
pub(crate) struct Load<'l> {
    pub(crate) family: Family,
    pub(crate) backend: Backend,
    pub(crate) config: &'l Config,
    /// Where matches and targets make the state that they keep.
    pub(crate) state: &'l mut State,
}

/// A rule: tests, then what to do.
#[derive(Debug)]
pub(crate) struct CompiledRule {
    pub(crate) rule: RuleRef,
    pub(crate) basics: Basics,
    /// Places in the table's list of matches.
    pub(crate) matches: Range<usize>,
    pub(crate) step: Step,
}

/// A match with the slot of its state.
#[derive(Debug)]
pub(crate) struct CompiledMatch {
    pub(crate) test: Match,
    pub(crate) slot: usize,
    /// Whether its answer always follows from a wholly captured packet and the inputs.
    pub(crate) decidable: bool,
}

/// What a rule does once it matched.
#[derive(Debug)]
pub(crate) enum Step {
    /// No target: the next rule's turn.
    Count,
    Accept,
    Drop,
    Return,
    Queue,
    /// To another chain's first place.
    Jump {
        chain: u32,
        first: usize,
        goto: bool,
    },
    /// A target extension.
    Target {
        target: Target,
        slot: usize,
    },
    /// The end of a chain, not a rule.
    End,
}

/// The tests that every rule has built in.
#[derive(Debug, Default)]
pub(crate) struct Basics {
    pub(crate) source: Option<AddrTest>,
    pub(crate) destination: Option<AddrTest>,
    pub(crate) in_interface: Option<Invertible<InterfacePattern>>,
    pub(crate) out_interface: Option<Invertible<InterfacePattern>>,
    pub(crate) protocol: Option<Invertible<Protocol>>,
    pub(crate) fragment: Option<FragmentTest>,
}

/// An address under a mask, both as numbers; IPv4 has the low 32 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddrTest {
    addr: u128,
    mask: u128,
    inverted: bool,
}

impl AddrTest {
    fn new(test: Invertible<AddrMask>) -> Self {
        let (addr, mask) = match test.value {
            AddrMask::V4 { addr, mask } => (addr.into(), mask.into()),
            AddrMask::V6 { addr, mask } => (addr, mask),
        };
        Self {
            addr,
            mask,
            inverted: test.inverted,
        }
    }

    /// Whether the test tells addresses apart by one value under its mask.
    pub(super) fn narrows(&self) -> bool {
        !self.inverted && self.mask != 0 && self.addr & self.mask == self.addr
    }

    pub(super) const fn mask(&self) -> u128 {
        self.mask
    }

    pub(super) const fn addr(&self) -> u128 {
        self.addr
    }

    /// Whether an address of the rule's family passes.
    pub(crate) const fn passes(&self, addr: u128) -> bool {
        (addr & self.mask == self.addr) != self.inverted
    }
}

impl Basics {
    fn new(rule: &Rule) -> Self {
        Self {
            source: rule.source.map(AddrTest::new),
            destination: rule.destination.map(AddrTest::new),
            in_interface: rule.in_interface,
            out_interface: rule.out_interface,
            protocol: rule.protocol,
            fragment: rule.fragment,
        }
    }
}

impl Load<'_> {
    pub(super) fn rule(
        &mut self,
        table: TableKind,
        chain: ChainId,
        number: u32,
        rule: &Rule,
        matches: &mut Vec<CompiledMatch>,
    ) -> CompiledRule {
        let first = matches.len();
        for test in &rule.matches {
            matches.push(CompiledMatch {
                test: test.clone(),
                slot: matches::prepare(test, self),
                decidable: matches::is_decidable(test, self),
            });
        }
        CompiledRule {
            rule: RuleRef {
                family: self.family,
                table,
                chain: chain.0,
                number: RuleNumber::Rule(number),
            },
            basics: Basics::new(rule),
            matches: first..matches.len(),
            step: self.step(rule.target.as_ref()),
        }
    }

    fn step(&mut self, target: Option<&Target>) -> Step {
        let jump = |chain: &ChainId, goto| Step::Jump {
            chain: chain.0,
            first: 0,
            goto,
        };
        match target {
            None => Step::Count,
            Some(Target::Accept) => Step::Accept,
            Some(Target::Drop) => Step::Drop,
            Some(Target::Return) => Step::Return,
            Some(Target::Queue) => Step::Queue,
            Some(Target::Jump(chain)) => jump(chain, false),
            Some(Target::Goto(chain)) => jump(chain, true),
            Some(target) => Step::Target {
                target: target.clone(),
                slot: targets::prepare(target, self),
            },
        }
    }
}

impl CompiledRule {
    /// The end of a chain.
    pub(super) fn end(family: Family, table: TableKind, chain: ChainId) -> Self {
        Self {
            rule: RuleRef {
                family,
                table,
                chain: chain.0,
                number: RuleNumber::Policy,
            },
            basics: Basics::default(),
            matches: 0..0,
            step: Step::End,
        }
    }

    /// Fills in where a jump leads, once all chains have their places.
    pub(super) fn resolve(&mut self, chains: &[ChainProgram]) {
        if let Step::Jump { chain, first, .. } = &mut self.step
            && let Some(to) = chains.get(*chain as usize)
        {
            *first = to.first;
        }
    }
}
