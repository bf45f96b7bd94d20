//! One line of words as an iptables command: options are found as getopt finds them, and belong to whatever match or
//! target is loaded by then.

pub(crate) mod extensions;
mod generic;
mod options;

use netverdict_net::{AddrMask, Family, InterfacePattern, Protocol};
use netverdict_ruleset::{Counters, FragmentTest, Invertible, Match, Rule, TableKind, Target};

use crate::problem::{Code, Parsed, Problem, Span};
use crate::spec::Place;
use crate::words::Word;

use self::options::Reader;

/// What a line does to its table.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) verb: Verb,
    /// The chain it is done to; `None` for all of them.
    pub(crate) chain: Option<Word>,
    /// The rule; comma lists of addresses make it several.
    pub(crate) drafts: Vec<Draft>,
    /// `-c`.
    pub(crate) counters: Counters,
    /// What is odd about the line.
    pub(crate) warnings: Vec<Problem>,
}

/// The command of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `-A`.
    Append,
    /// `-I`, before the rule of this number.
    Insert(u32),
    /// `-R`, the rule of this number.
    Replace(u32),
    /// `-D`, the first equal rule.
    Delete,
    /// `-D`, the rule of this number.
    DeleteNumber(u32),
    /// `-C`.
    Check,
    /// `-F`.
    Flush,
    /// `-Z`.
    Zero,
    /// `-N`.
    NewChain,
    /// `-X`.
    DeleteChain,
    /// `-E`, to this name.
    RenameChain(Word),
    /// `-P`, to this policy.
    Policy(Word),
    /// `-L` or `-S`: changes nothing.
    List,
}

impl Verb {
    /// Whether it changes which chains there are.
    pub(crate) const fn changes_chains(&self) -> bool {
        matches!(
            self,
            Self::NewChain | Self::DeleteChain | Self::RenameChain(_)
        )
    }

    /// Whether the command is about a rule.
    pub(crate) const fn takes_rule(&self) -> bool {
        matches!(
            self,
            Self::Append | Self::Insert(_) | Self::Replace(_) | Self::Delete | Self::Check
        )
    }
}

/// A rule whose jump is not resolved yet.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) rule: Rule,
    pub(crate) jump: Option<Jump>,
    /// Matches and target with what the kernel asks of their place.
    pub(crate) parts: Vec<Part>,
}

/// `-j` or `-g` with a name that may be a chain's.
#[derive(Debug, Clone)]
pub(crate) struct Jump {
    pub(crate) name: Word,
    pub(crate) is_goto: bool,
}

/// A match or target of a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) place: &'static Place,
    pub(crate) span: Span,
}

/// What a line is read against.
pub(crate) struct Context<'a> {
    pub(crate) family: Family,
    pub(crate) table: TableKind,
    /// Whether the table has a chain of this name by now.
    pub(crate) is_chain: &'a dyn Fn(&str) -> bool,
}

/// Reads a line. `None` for one that is only for the other family (`-4`, `-6`).
pub(crate) fn parse(words: &[Word], context: &Context<'_>) -> Parsed<Option<Command>> {
    let mut reader = Reader::new(words, context);
    reader.run()?;
    if reader.other_family {
        return Ok(None);
    }
    reader.finish().map(Some)
}

/// The tests of a rule that need no extension.
#[derive(Debug, Default)]
struct Tests {
    source: Vec<Invertible<AddrMask>>,
    destination: Vec<Invertible<AddrMask>>,
    in_interface: Option<(Invertible<InterfacePattern>, Span)>,
    out_interface: Option<(Invertible<InterfacePattern>, Span)>,
    protocol: Option<Invertible<Protocol>>,
    fragment: Option<FragmentTest>,
    counters: Counters,
}

impl Tests {
    /// One rule for each pair of addresses.
    fn rules(&self) -> Vec<Rule> {
        let is_test = |a: &Invertible<AddrMask>| a.inverted || !a.value.is_any();
        if self.source.len() <= 1 && self.destination.len() <= 1 {
            let only = |list: &[Invertible<AddrMask>]| list.first().copied().filter(is_test);
            return vec![self.rule(only(&self.source), only(&self.destination))];
        }
        let each = |list: &[Invertible<AddrMask>]| -> Vec<Option<Invertible<AddrMask>>> {
            if list.is_empty() {
                return vec![None];
            }
            list.iter().map(|a| Some(*a).filter(is_test)).collect()
        };
        let mut rules = Vec::new();
        for source in each(&self.source) {
            for destination in each(&self.destination) {
                rules.push(self.rule(source, destination));
            }
        }
        rules
    }

    fn rule(
        &self,
        source: Option<Invertible<AddrMask>>,
        destination: Option<Invertible<AddrMask>>,
    ) -> Rule {
        let interface = |test: Option<(Invertible<InterfacePattern>, Span)>| {
            test.map(|(test, _)| test)
                .filter(|test| test.inverted || !test.value.is_any())
        };
        Rule {
            source,
            destination,
            in_interface: interface(self.in_interface),
            out_interface: interface(self.out_interface),
            protocol: self.protocol,
            fragment: self.fragment,
            counters: self.counters,
            ..Rule::default()
        }
    }
}

/// The extensions of a rule, built.
#[derive(Clone)]
struct Built {
    matches: Vec<Match>,
    target: Option<Target>,
    parts: Vec<Part>,
}

impl Reader<'_> {
    /// Puts the parts together once all words are read.
    fn finish(mut self) -> Parsed<Command> {
        let Some((verb, chain)) = self.command.take() else {
            return Err(Problem::new(Code::Line, "no command")
                .expected("`-A` or another command at the start of the line"));
        };
        if let Some(span) = self.pending_bang() {
            return Err(Problem::new(Code::Option, "nothing appropriate follows `!`").at(span));
        }
        self.check_nat_drop(&verb)?;
        if let Some(protocol) = self.tests.protocol
            && protocol.inverted
            && protocol.value.0 == 0
        {
            return Err(Problem::new(
                Code::Value,
                "a rule for no protocol would never match",
            ));
        }
        self.tests.protocol = self.tests.protocol.filter(|p| p.value.0 != 0);
        let built = self.build()?;
        if !verb.takes_rule() {
            self.refuse_rule_options(&verb)?;
        }
        if let Some(chain) = &chain {
            check_chain_length(chain)?;
            if verb.takes_rule() {
                self.check_interfaces(chain)?;
            }
        }
        let drafts = if verb.takes_rule() {
            self.drafts(built)
        } else {
            Vec::new()
        };
        Ok(Command {
            verb,
            chain,
            drafts,
            counters: self.tests.counters,
            warnings: self.warnings,
        })
    }

    fn drafts(&mut self, built: Built) -> Vec<Draft> {
        let jump = self.jump.take().filter(|_| built.target.is_none());
        let draft = |rule: Rule, jump: Option<Jump>, built: Built| Draft {
            rule: Rule {
                matches: built.matches,
                target: built.target,
                ..rule
            },
            jump,
            parts: built.parts,
        };
        let mut rules = self.tests.rules();
        let last = rules.pop();
        let mut drafts: Vec<Draft> = rules
            .into_iter()
            .map(|rule| draft(rule, jump.clone(), built.clone()))
            .collect();
        drafts.extend(last.map(|rule| draft(rule, jump, built)));
        drafts
    }

    fn check_nat_drop(&self, verb: &Verb) -> Parsed<()> {
        let jump = self.jump.as_ref().map(|jump| &jump.name);
        let policy = match verb {
            Verb::Policy(policy) => Some(policy),
            _ => None,
        };
        let mut names = jump.into_iter().chain(policy);
        let drop = names.find(|name| name.text == "DROP");
        match drop {
            Some(name) if self.context.table == TableKind::Nat => Err(Problem::new(
                Code::Place,
                "the nat table is not for filtering: DROP is refused",
            )
            .at(name.span)),
            _ => Ok(()),
        }
    }

    fn check_interfaces(&self, chain: &Word) -> Parsed<()> {
        let refused = match chain.text.as_str() {
            "PREROUTING" | "INPUT" => self.tests.out_interface.map(|(_, span)| ("-o", span)),
            "OUTPUT" | "POSTROUTING" => self.tests.in_interface.map(|(_, span)| ("-i", span)),
            _ => None,
        };
        match refused {
            Some((option, span)) => {
                let message = format!("`{option}` cannot be used in {}", chain.text);
                Err(Problem::new(Code::Place, message).at(span))
            }
            None => Ok(()),
        }
    }
}

/// Most bytes of a chain's name.
pub(crate) const CHAIN_NAME_MAX: usize = 28;

/// Refuses a name that the kernel has no room for.
pub(crate) fn check_chain_length(chain: &Word) -> Parsed<()> {
    if netverdict_ruleset::text::encoded_len(&chain.text) <= CHAIN_NAME_MAX {
        return Ok(());
    }
    let message = format!("chain name `{}` is too long", chain.text);
    Err(Problem::new(Code::Chain, message)
        .at(chain.span)
        .expected(format!("at most {CHAIN_NAME_MAX} bytes")))
}
