//! How an extension describes its options, and what a rule gave for them.
//!
//! Each extension's file holds a [`Spec`]: its options as a table, where it is legal, and a function that turns the given
//! options into the typed value. The rules about repeating, inverting, excluding and requiring options are applied here,
//! from the table, before that function runs.

use netverdict_net::{Family, Protocol};
use netverdict_ruleset::{Hook, Invertible, TableKind};

use crate::problem::{Code, Parsed, Problem, Span};
use crate::words::Word;

/// One option of an extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opt {
    /// The name behind `--`.
    pub(crate) name: &'static str,
    /// The name its value is looked up by: that of the option it is another name for, or its own.
    pub(crate) id: &'static str,
    /// How many words follow it.
    pub(crate) words: u8,
    /// Whether the word may be left out.
    pub(crate) optional: bool,
    pub(crate) invertible: bool,
    pub(crate) repeatable: bool,
    pub(crate) mandatory: bool,
    pub(crate) excludes: &'static [&'static str],
    pub(crate) requires: &'static [&'static str],
}

impl Opt {
    const fn new(name: &'static str, words: u8) -> Self {
        Self {
            name,
            id: name,
            words,
            optional: false,
            invertible: false,
            repeatable: false,
            mandatory: false,
            excludes: &[],
            requires: &[],
        }
    }

    /// An option without a value.
    pub(crate) const fn flag(name: &'static str) -> Self {
        Self::new(name, 0)
    }

    /// An option with one value.
    pub(crate) const fn value(name: &'static str) -> Self {
        Self::new(name, 1)
    }

    /// An option with a value that may be left out.
    pub(crate) const fn optional(name: &'static str) -> Self {
        let mut opt = Self::new(name, 1);
        opt.optional = true;
        opt
    }

    /// An option with two values.
    pub(crate) const fn pair(name: &'static str) -> Self {
        Self::new(name, 2)
    }

    /// Another name for the option `id`.
    pub(crate) const fn alias_of(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }

    /// May stand behind `!`.
    pub(crate) const fn invertible(mut self) -> Self {
        self.invertible = true;
        self
    }

    /// May be given several times.
    pub(crate) const fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Must be given.
    pub(crate) const fn mandatory(mut self) -> Self {
        self.mandatory = true;
        self
    }

    /// Must not be given together with any of `ids` (itself aside).
    pub(crate) const fn excludes(mut self, ids: &'static [&'static str]) -> Self {
        self.excludes = ids;
        self
    }

    /// Must be given together with all of `ids`.
    pub(crate) const fn requires(mut self, ids: &'static [&'static str]) -> Self {
        self.requires = ids;
        self
    }
}

/// Where the kernel lets an extension stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Only in these tables; anywhere if empty.
    pub(crate) tables: &'static [TableKind],
    /// Only reachable from these hooks; from any if empty.
    pub(crate) hooks: &'static [Hook],
    /// Only with a plain `-p` of one of these; with any if empty.
    pub(crate) protocols: &'static [Protocol],
}

impl Place {
    /// Everywhere.
    pub(crate) const ANY: Self = Self {
        tables: &[],
        hooks: &[],
        protocols: &[],
    };

    /// Only in these tables.
    pub(crate) const fn tables(mut self, tables: &'static [TableKind]) -> Self {
        self.tables = tables;
        self
    }

    /// Only reachable from these hooks.
    pub(crate) const fn hooks(mut self, hooks: &'static [Hook]) -> Self {
        self.hooks = hooks;
        self
    }

    /// Only with these protocols.
    pub(crate) const fn protocols(mut self, protocols: &'static [Protocol]) -> Self {
        self.protocols = protocols;
        self
    }
}

/// An extension that makes a `T`.
#[derive(Debug)]
pub(crate) struct Spec<T: 'static> {
    /// The name behind `-m` or `-j`.
    pub(crate) name: &'static str,
    /// Its family, if it has only one.
    pub(crate) family: Option<Family>,
    /// Its options.
    pub(crate) options: &'static [Opt],
    /// Where it may stand.
    pub(crate) place: Place,
    /// Makes the value of the given options.
    pub(crate) build: fn(&Given<'_>) -> Parsed<T>,
}

/// One use of an option in a rule.
#[derive(Debug, Clone)]
pub(crate) struct Occurrence {
    pub(crate) opt: &'static Opt,
    pub(crate) inverted: bool,
    /// The values, as many as the option takes.
    pub(crate) args: Vec<Word>,
    /// The option's own place.
    pub(crate) span: Span,
    /// The rule's protocol when the option was read: some options look at it.
    pub(crate) protocol: Option<Invertible<Protocol>>,
}

/// What a rule gave for an extension.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    /// The extension's name, for messages.
    pub(crate) name: &'a str,
    pub(crate) family: Family,
    /// The rule's protocol.
    pub(crate) protocol: Option<Invertible<Protocol>>,
    pub(crate) options: &'a [Occurrence],
    /// Where the extension is named.
    pub(crate) span: Span,
}

/// A value of an option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arg<'a> {
    /// The option's name.
    pub(crate) option: &'a str,
    pub(crate) text: &'a str,
    pub(crate) span: Span,
    pub(crate) inverted: bool,
    pub(crate) family: Family,
}

impl<'a> Given<'a> {
    /// The option's first use.
    pub(crate) fn occurrence(&self, id: &str) -> Option<&'a Occurrence> {
        self.options.iter().find(|o| o.opt.id == id)
    }

    /// Whether the option is given.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.occurrence(id).is_some()
    }

    /// Whether a flag is given, and if so, whether it is inverted.
    pub(crate) fn flag(&self, id: &str) -> Option<bool> {
        self.occurrence(id).map(|o| o.inverted)
    }

    /// The option's value.
    pub(crate) fn arg(&self, id: &str) -> Option<Arg<'a>> {
        self.occurrence(id).and_then(|o| self.arg_of(o, 0))
    }

    /// The option's second value.
    pub(crate) fn second(&self, id: &str) -> Option<Arg<'a>> {
        self.occurrence(id).and_then(|o| self.arg_of(o, 1))
    }

    /// A value of one use of an option.
    pub(crate) fn arg_of(&self, occurrence: &'a Occurrence, index: usize) -> Option<Arg<'a>> {
        occurrence.args.get(index).map(|word| Arg {
            option: occurrence.opt.name,
            text: &word.text,
            span: word.span,
            inverted: occurrence.inverted,
            family: self.family,
        })
    }

    /// The option's value, read by `read`.
    pub(crate) fn read<T>(
        &self,
        id: &str,
        read: impl FnOnce(Arg<'a>) -> Parsed<T>,
    ) -> Parsed<Option<T>> {
        self.arg(id).map(read).transpose()
    }

    /// The option's value, read by `read`, with its `!`.
    pub(crate) fn test<T>(
        &self,
        id: &str,
        read: impl FnOnce(Arg<'a>) -> Parsed<T>,
    ) -> Parsed<Option<Invertible<T>>> {
        self.arg(id)
            .map(|arg| {
                let inverted = arg.inverted;
                read(arg).map(|value| Invertible { inverted, value })
            })
            .transpose()
    }

    /// A problem with the extension as a whole.
    pub(crate) fn problem(&self, code: Code, message: impl AsRef<str>) -> Problem {
        Problem::new(code, format!("{}: {}", self.name, message.as_ref())).at(self.span)
    }

    /// A problem: an option is missing.
    pub(crate) fn missing(&self, option: &str) -> Problem {
        self.problem(Code::Combination, format!("`{option}` must be given"))
            .expected(option)
    }

    /// A value that the table of options makes sure is there.
    pub(crate) fn required(&self, id: &str) -> Parsed<Arg<'a>> {
        self.arg(id).ok_or_else(|| self.missing(&format!("--{id}")))
    }

    /// Fails unless the rule has a plain `-p` of one of `protocols`.
    pub(crate) fn needs_protocol(&self, protocols: &[Protocol], why: &str) -> Parsed<()> {
        if has_protocol(self.protocol, protocols) {
            return Ok(());
        }
        Err(protocol_problem(why, protocols).at(self.span))
    }
}

/// Whether a rule's protocol test pins one of `protocols`.
pub(crate) fn has_protocol(protocol: Option<Invertible<Protocol>>, protocols: &[Protocol]) -> bool {
    protocol.is_some_and(|p| !p.inverted && protocols.contains(&p.value))
}

/// A problem: `what` needs one of `protocols`.
pub(crate) fn protocol_problem(what: &str, protocols: &[Protocol]) -> Problem {
    let names: Vec<_> = protocols.iter().map(|p| format!("`-p {p}`")).collect();
    let names = names.join(" or ");
    Problem::new(Code::Protocol, format!("{what} needs {names}"))
        .expected(format!("{names}, not inverted, in this rule"))
}

/// Applies the table of options to what was given.
pub(crate) fn check_options(given: &Given<'_>, options: &[Opt]) -> Parsed<()> {
    for (index, o) in given.options.iter().enumerate() {
        let at = |p: Problem| Err(p.at(o.span));
        let name = o.opt.name;
        let earlier = given.options[..index].iter().any(|e| e.opt.id == o.opt.id);
        if earlier && !o.opt.repeatable {
            return at(given_problem(
                given,
                format!("`--{name}` can only be used once"),
            ));
        }
        if o.inverted && !o.opt.invertible {
            return at(given_problem(
                given,
                format!("`--{name}` cannot be inverted"),
            ));
        }
        let other = |id: &&str| **id != *o.opt.id && given.has(id);
        if let Some(id) = o.opt.excludes.iter().find(|id| other(id)) {
            let message = format!("`--{name}` cannot be used together with `--{id}`");
            return at(given_problem(given, message));
        }
        if let Some(id) = o.opt.requires.iter().find(|id| !given.has(id)) {
            let message = format!("`--{name}` also requires `--{id}`");
            return at(given_problem(given, message).expected(format!("--{id}")));
        }
    }
    let missing = options.iter().find(|o| o.mandatory && !given.has(o.id));
    missing.map_or(Ok(()), |o| Err(given.missing(&format!("--{}", o.name))))
}

fn given_problem(given: &Given<'_>, message: String) -> Problem {
    Problem::new(Code::Combination, format!("{}: {message}", given.name))
}
