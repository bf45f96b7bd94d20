//! Options of iptables itself.

use netverdict_net::{AddrMask, Family, InterfacePattern};
use netverdict_ruleset::{FragmentTest, Invertible};

use crate::command::options::Reader;
use crate::command::{Jump, Verb};
use crate::problem::{Code, Parsed, Problem};
use crate::value::{self, number, numeric_v4};
use crate::words::Word;

/// An option of iptables itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generic {
    pub(super) long: &'static str,
    pub(super) short: char,
    value: Takes,
}

/// Whether an option takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    Optional,
}

impl Generic {
    const fn new(long: &'static str, short: char, value: Takes) -> Self {
        Self { long, short, value }
    }

    pub(super) fn takes_value(self) -> bool {
        self.value != Takes::Nothing
    }
}

/// Long names. Several may stand for one short name.
pub(super) const LONG: &[Generic] = &[
    Generic::new("append", 'A', Takes::Value),
    Generic::new("delete", 'D', Takes::Value),
    Generic::new("check", 'C', Takes::Value),
    Generic::new("insert", 'I', Takes::Value),
    Generic::new("replace", 'R', Takes::Value),
    Generic::new("list", 'L', Takes::Optional),
    Generic::new("list-rules", 'S', Takes::Optional),
    Generic::new("flush", 'F', Takes::Optional),
    Generic::new("zero", 'Z', Takes::Optional),
    Generic::new("new-chain", 'N', Takes::Value),
    Generic::new("delete-chain", 'X', Takes::Optional),
    Generic::new("rename-chain", 'E', Takes::Value),
    Generic::new("policy", 'P', Takes::Value),
    Generic::new("source", 's', Takes::Value),
    Generic::new("src", 's', Takes::Value),
    Generic::new("destination", 'd', Takes::Value),
    Generic::new("dst", 'd', Takes::Value),
    Generic::new("protocol", 'p', Takes::Value),
    Generic::new("in-interface", 'i', Takes::Value),
    Generic::new("jump", 'j', Takes::Value),
    Generic::new("table", 't', Takes::Value),
    Generic::new("match", 'm', Takes::Value),
    Generic::new("numeric", 'n', Takes::Nothing),
    Generic::new("out-interface", 'o', Takes::Value),
    Generic::new("verbose", 'v', Takes::Nothing),
    Generic::new("exact", 'x', Takes::Nothing),
    Generic::new("fragments", 'f', Takes::Nothing),
    Generic::new("line-numbers", '0', Takes::Nothing),
    Generic::new("modprobe", 'M', Takes::Value),
    Generic::new("set-counters", 'c', Takes::Value),
    Generic::new("goto", 'g', Takes::Value),
    Generic::new("ipv4", '4', Takes::Nothing),
    Generic::new("ipv6", '6', Takes::Nothing),
];

/// The option of a letter; `--line-numbers` has none.
pub(super) fn short(letter: char) -> Option<Generic> {
    let found = LONG.iter().find(|g| g.short == letter && letter != '0');
    found.copied()
}

/// Options whose attached value (`-pudp`, `--proto=udp`) iptables 1.8.9 misreads and so refuses.
const NO_ATTACHED: &str = "psdiojg";

impl Reader<'_> {
    pub(super) fn generic(
        &mut self,
        word: &Word,
        option: Generic,
        attached: Option<&str>,
    ) -> Parsed<()> {
        let refused =
            attached.is_some() && (NO_ATTACHED.contains(option.short) || !option.takes_value());
        if refused {
            let message = format!("`{}` with its value attached", word.text);
            return Err(Problem::new(Code::Option, message)
                .at(word.span)
                .expected(format!("`-{}` and its value as two words", option.short)));
        }
        match option.short {
            's' | 'd' | 'i' | 'o' | 'p' => self.test(word, option.short, attached),
            'f' => self.fragment(word),
            'm' => self.load_match(word, attached),
            'j' | 'g' => self.load_target(word, option.short == 'g', attached),
            'c' => self.counters(word, attached),
            '4' => self.only_for(Family::V4),
            '6' => self.only_for(Family::V6),
            'n' | 'x' | '0' => {
                let message = format!("`{}` is for listings", word.text);
                Err(Problem::new(Code::Option, message).at(word.span))
            }
            'v' => Ok(()),
            'M' => self.value(word, attached).map(drop),
            't' => {
                Err(Problem::new(Code::Option, "`-t` cannot be used within a dump").at(word.span))
            }
            letter => self.verb(word, letter, attached),
        }
    }

    fn only_for(&mut self, family: Family) -> Parsed<()> {
        self.other_family |= self.context.family != family;
        Ok(())
    }

    /// Notes that an option is used; each may be used once.
    fn once(&mut self, word: &Word, short: char) -> Parsed<()> {
        if self.given.iter().any(|(s, _)| *s == short) {
            let message = format!("`-{short}` can only be used once");
            return Err(Problem::new(Code::Option, message).at(word.span));
        }
        self.given.push((short, word.span));
        Ok(())
    }

    /// Refuses a `!` before an option that has no opposite.
    fn no_bang(&mut self, word: &Word) -> Parsed<()> {
        match self.take_bang() {
            None => Ok(()),
            Some(span) => {
                let message = format!("`!` before `{}`", word.text);
                Err(Problem::new(Code::Option, message).at(span))
            }
        }
    }

    fn test(&mut self, word: &Word, short: char, attached: Option<&str>) -> Parsed<()> {
        let value = self.invertible_value(word, attached)?;
        self.once(word, short)?;
        let inverted = self.take_bang().is_some();
        match short {
            's' => self.tests.source = self.addresses(&value, inverted)?,
            'd' => self.tests.destination = self.addresses(&value, inverted)?,
            'i' => {
                let test = interface(&value, inverted)?;
                self.tests.in_interface = Some((test, word.span.to(value.span)));
            }
            'o' => {
                let test = interface(&value, inverted)?;
                self.tests.out_interface = Some((test, word.span.to(value.span)));
            }
            _ => {
                let protocol = value::protocol(&value.text.to_ascii_lowercase());
                self.protocol_name = value.text.to_ascii_lowercase();
                let value = protocol.ok_or_else(|| {
                    let message = format!("unknown protocol `{}`", value.text);
                    Problem::new(Code::Value, message)
                        .at(value.span)
                        .expected("a protocol number from 0 to 255 or a protocol name")
                })?;
                self.tests.protocol = Some(Invertible { inverted, value });
            }
        }
        Ok(())
    }

    /// A comma list of addresses with masks.
    fn addresses(&self, word: &Word, inverted: bool) -> Parsed<Vec<Invertible<AddrMask>>> {
        let list = word.text.split(',').map(|text| {
            let value = network(self.context.family, text.trim()).ok_or_else(|| {
                let message = format!("host or network `{text}` not found");
                Problem::new(Code::Value, message)
                    .at(word.span)
                    .expected(format!(
                        "{} addresses, perhaps with `/mask`",
                        self.context.family
                    ))
                    .help("host names are not looked up; write the address")
            })?;
            Ok(Invertible { inverted, value })
        });
        let list: Parsed<Vec<_>> = list.collect();
        let list = list?;
        if inverted && list.len() > 1 {
            let message = "`!` is not possible with several addresses";
            return Err(Problem::new(Code::Value, message).at(word.span));
        }
        Ok(list)
    }

    fn fragment(&mut self, word: &Word) -> Parsed<()> {
        self.once(word, 'f')?;
        if self.context.family == Family::V6 {
            return Err(Problem::new(Code::Option, "`-f` is not possible in IPv6")
                .at(word.span)
                .help("use `-m frag`"));
        }
        self.tests.fragment = Some(match self.take_bang() {
            Some(_) => FragmentTest::HeadOrWhole,
            None => FragmentTest::Later,
        });
        Ok(())
    }

    fn load_match(&mut self, word: &Word, attached: Option<&str>) -> Parsed<()> {
        self.no_bang(word)?;
        let name = self.value(word, attached)?;
        self.add_match(&name)
    }

    fn load_target(&mut self, word: &Word, is_goto: bool, attached: Option<&str>) -> Parsed<()> {
        self.no_bang(word)?;
        let name = self.value(word, attached)?;
        self.once(word, 'j')?;
        if name.text.is_empty() || name.text.contains(char::is_whitespace) {
            let message = format!("`{}` is no name of a target or chain", name.text);
            return Err(Problem::new(Code::Chain, message).at(name.span));
        }
        super::check_chain_length(&name)?;
        if !is_goto {
            self.add_target(&name)?;
        }
        self.jump = Some(Jump { name, is_goto });
        Ok(())
    }

    /// `-c packets bytes` or `-c packets,bytes`.
    fn counters(&mut self, word: &Word, attached: Option<&str>) -> Parsed<()> {
        self.no_bang(word)?;
        self.once(word, 'c')?;
        let first = self.value(word, attached)?;
        let (packets, bytes) = if let Some((packets, bytes)) = first.text.split_once(',') {
            (packets.to_owned(), bytes.to_owned())
        } else {
            let second = self.optional_value();
            (
                first.text.clone(),
                second.map_or_else(String::new, |w| w.text),
            )
        };
        match (packets.parse(), bytes.parse()) {
            (Ok(packets), Ok(bytes)) => {
                self.tests.counters = netverdict_ruleset::Counters { packets, bytes };
                Ok(())
            }
            _ => Err(Problem::new(Code::Value, "bad counters")
                .at(first.span)
                .expected("`packets bytes` or `packets,bytes`")),
        }
    }

    fn verb(&mut self, word: &Word, letter: char, attached: Option<&str>) -> Parsed<()> {
        self.no_bang(word)?;
        let chain = match letter {
            'L' | 'S' | 'F' | 'Z' | 'X' => match attached {
                Some(_) => Some(self.value(word, attached)?),
                None => self.optional_value(),
            },
            _ => Some(self.value(word, attached)?),
        };
        let verb = self.verb_of(word, letter)?;
        if let ('N', Some(name)) = (letter, &chain) {
            check_new_name(name)?;
            self.not_a_target(name)?;
        }
        if self.command.replace((verb, chain)).is_some() {
            return Err(Problem::new(Code::Option, "two commands in one line").at(word.span));
        }
        Ok(())
    }

    fn verb_of(&mut self, word: &Word, letter: char) -> Parsed<Verb> {
        Ok(match letter {
            'A' => Verb::Append,
            'C' => Verb::Check,
            'D' => match self.optional_value() {
                Some(word) => Verb::DeleteNumber(rule_number(&word)?),
                None => Verb::Delete,
            },
            'I' => match self.optional_value() {
                Some(word) => Verb::Insert(rule_number(&word)?),
                None => Verb::Insert(1),
            },
            'R' => Verb::Replace(rule_number(&self.operand(word, "a rule number")?)?),
            'E' => {
                let name = self.operand(word, "a new name")?;
                check_new_name(&name)?;
                Verb::RenameChain(name)
            }
            'P' => Verb::Policy(self.operand(word, "a policy")?),
            'F' => Verb::Flush,
            'X' => Verb::DeleteChain,
            'N' => Verb::NewChain,
            'Z' => {
                self.optional_value();
                Verb::Zero
            }
            _ => {
                self.optional_value();
                Verb::List
            }
        })
    }

    fn operand(&mut self, word: &Word, what: &str) -> Parsed<Word> {
        self.optional_value().ok_or_else(|| {
            let message = format!("`{}` needs a chain and {what}", word.text);
            Problem::new(Code::Option, message).at(word.span)
        })
    }

    /// Options of a rule make no sense with a command about a chain.
    pub(super) fn refuse_rule_options(&self, verb: &Verb) -> Parsed<()> {
        let counters_are_fine = matches!(verb, Verb::Policy(_));
        let mut given = self.given.iter();
        match given.find(|(short, _)| !(*short == 'c' && counters_are_fine)) {
            None => Ok(()),
            Some((short, span)) => {
                let message = format!("`-{short}` makes no sense with this command");
                Err(Problem::new(Code::Option, message).at(*span))
            }
        }
    }
}

fn rule_number(word: &Word) -> Parsed<u32> {
    let number = number(&word.text).filter(|n| (1..=i32::MAX as u64).contains(n));
    number.map(|n| n as u32).ok_or_else(|| {
        let message = format!("bad rule number `{}`", word.text);
        Problem::new(Code::Value, message)
            .at(word.span)
            .expected("a number from 1")
    })
}

fn check_new_name(name: &Word) -> Parsed<()> {
    super::check_chain_length(name)?;
    let bad = name.text.is_empty()
        || name.text.starts_with(['-', '!'])
        || name.text.contains(char::is_whitespace);
    if bad {
        let message = format!("`{}` is no name for a chain", name.text);
        return Err(Problem::new(Code::Chain, message).at(name.span));
    }
    Ok(())
}

fn interface(word: &Word, inverted: bool) -> Parsed<Invertible<InterfacePattern>> {
    if word.text.is_empty() {
        return Err(Problem::new(Code::Value, "an empty interface name").at(word.span));
    }
    let pattern = InterfacePattern::new(&word.text).map_err(|_| {
        let message = format!("interface name `{}` is too long", word.text);
        Problem::new(Code::Value, message)
            .at(word.span)
            .expected("at most 15 bytes")
    })?;
    Ok(Invertible {
        inverted,
        value: pattern,
    })
}

/// `address[/mask]`; an IPv4 network may be shortened.
fn network(family: Family, text: &str) -> Option<AddrMask> {
    let (addr, mask) = match text.rsplit_once('/') {
        Some((addr, mask)) => (addr, Some(mask)),
        None => (text, None),
    };
    let addr = match family {
        Family::V4 => numeric_v4(addr).map(Into::into),
        Family::V6 => None,
    };
    let addr =
        addr.or_else(|| value::address(family, text.rsplit_once('/').map_or(text, |(a, _)| a)))?;
    match mask {
        None => Some(AddrMask::host(addr)),
        Some(mask) => value::mask(family, mask).map(|mask| value::masked(addr, mask)),
    }
}
