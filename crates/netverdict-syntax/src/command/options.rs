//! The walk over the words: `!`, `--long`, `--long=value`, `-s value`, `-svalue`.

use crate::command::extensions::Extension;
use crate::command::generic::{self, Generic};
use crate::command::{Context, Jump, Tests, Verb};
use crate::problem::{Code, Parsed, Problem, Span};
use crate::spec::{Occurrence, Opt};
use crate::words::Word;

/// Reads the words of one line.
pub(super) struct Reader<'a> {
    words: &'a [Word],
    next: usize,
    /// A `!` that waits for its option.
    bang: Option<Span>,
    pub(super) context: &'a Context<'a>,
    pub(super) command: Option<(Verb, Option<Word>)>,
    pub(super) tests: Tests,
    pub(super) jump: Option<Jump>,
    pub(super) extensions: Vec<Extension>,
    /// The protocol as it is written: its match is looked up by that.
    pub(super) protocol_name: String,
    /// Whether the protocol's own match was loaded for an option of it.
    pub(super) protocol_loaded: bool,
    /// Generic options that were given, with their places.
    pub(super) given: Vec<(char, Span)>,
    pub(super) other_family: bool,
    pub(super) warnings: Vec<Problem>,
}

/// What a long option's name stands for.
enum Found {
    Generic(Generic),
    Extension(usize, &'static Opt),
    Foreign(usize),
    Ambiguous(String),
    Nothing,
}

impl<'a> Reader<'a> {
    pub(super) fn new(words: &'a [Word], context: &'a Context<'a>) -> Self {
        Self {
            words,
            next: 0,
            bang: None,
            context,
            command: None,
            tests: Tests::default(),
            jump: None,
            extensions: Vec::new(),
            protocol_name: String::new(),
            protocol_loaded: false,
            given: Vec::new(),
            other_family: false,
            warnings: Vec::new(),
        }
    }

    /// A `!` without an option behind it.
    pub(super) const fn pending_bang(&self) -> Option<Span> {
        self.bang
    }

    /// Whether a `!` stands before the option that is being read; it is used up.
    pub(super) const fn take_bang(&mut self) -> Option<Span> {
        self.bang.take()
    }

    pub(super) fn run(&mut self) -> Parsed<()> {
        while let Some(word) = self.words.get(self.next) {
            self.next += 1;
            if word.text == "--" {
                return self.stray();
            }
            if let Some(long) = word.text.strip_prefix("--") {
                self.long(word, long)?;
            } else if word.text.len() > 1 && word.text.starts_with('-') {
                self.short(word)?;
            } else {
                self.other(word)?;
            }
        }
        Ok(())
    }

    /// Words behind `--` are no options.
    fn stray(&self) -> Parsed<()> {
        match self.words.get(self.next) {
            None => Ok(()),
            Some(word) => {
                Err(Problem::new(Code::Option, "a word that belongs to no option").at(word.span))
            }
        }
    }

    fn other(&mut self, word: &Word) -> Parsed<()> {
        if word.text == "!" {
            if self.bang.is_some() {
                return Err(Problem::new(Code::Option, "two `!` in a row").at(word.span));
            }
            self.bang = Some(word.span);
            return Ok(());
        }
        if let Some(foreign) = self.open_foreign() {
            self.extensions[foreign].args.push(word.text.clone());
            return Ok(());
        }
        let message = format!("`{}` belongs to no option", word.text);
        Err(Problem::new(Code::Option, message)
            .at(word.span)
            .expected("an option"))
    }

    fn open_foreign(&self) -> Option<usize> {
        let last = self.extensions.len().checked_sub(1)?;
        self.extensions[last].is_foreign().then_some(last)
    }

    fn long(&mut self, word: &Word, long: &str) -> Parsed<()> {
        let (name, attached) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        match self.find(name) {
            Found::Generic(option) => self.generic(word, option, attached),
            Found::Extension(index, opt) => self.extension(word, index, opt, attached),
            Found::Foreign(index) => {
                if self.take_bang().is_some() {
                    self.extensions[index].args.push("!".to_owned());
                }
                self.extensions[index].args.push(word.text.clone());
                Ok(())
            }
            Found::Ambiguous(names) => {
                let message = format!("`--{name}` is ambiguous");
                Err(Problem::new(Code::Option, message)
                    .at(word.span)
                    .expected(names))
            }
            Found::Nothing if self.load_protocol(word.span) => self.long(word, long),
            Found::Nothing => Err(self.unknown(word)),
        }
    }

    /// The option of this name: exactly, or the only one that begins so. Generic options come first, then those of the
    /// extensions, the last loaded first.
    fn find(&self, name: &str) -> Found {
        if let Some(option) = generic::LONG.iter().find(|g| g.long == name) {
            return Found::Generic(*option);
        }
        let open = || {
            let indexed = self.extensions.iter().enumerate().rev();
            indexed.filter(|(_, extension)| !extension.completed)
        };
        let options =
            || open().flat_map(|(index, e)| e.options().iter().map(move |opt| (index, opt)));
        if let Some((index, opt)) = options().find(|(_, opt)| opt.name == name) {
            return Found::Extension(index, opt);
        }
        if let Some((index, _)) = open().find(|(_, e)| e.is_foreign()) {
            return Found::Foreign(index);
        }
        let generic: Vec<_> = generic::LONG
            .iter()
            .filter(|g| g.long.starts_with(name))
            .collect();
        let extensions: Vec<_> = options()
            .filter(|(_, opt)| opt.name.starts_with(name))
            .collect();
        match (&generic[..], &extensions[..]) {
            ([], []) => Found::Nothing,
            ([option, rest @ ..], []) if rest.iter().all(|o| o.short == option.short) => {
                Found::Generic(**option)
            }
            ([], [(index, opt), rest @ ..])
                if rest.iter().all(|(i, o)| i == index && o.id == opt.id) =>
            {
                Found::Extension(*index, opt)
            }
            _ => {
                let generic = generic.iter().map(|g| g.long);
                let names = generic.chain(extensions.iter().map(|(_, opt)| opt.name));
                let names: Vec<_> = names.map(|name| format!("--{name}")).collect();
                Found::Ambiguous(names.join(", "))
            }
        }
    }

    fn unknown(&self, word: &Word) -> Problem {
        let message = format!("unknown option `{}`", word.text);
        let problem = Problem::new(Code::Option, message).at(word.span);
        let is_port = matches!(
            word.text.as_str(),
            "--sport" | "--dport" | "--source-port" | "--destination-port"
        );
        if is_port && self.tests.protocol.is_none() {
            return problem.help("ports need `-p tcp`, `-p udp` or the like before them");
        }
        let bare = word.text.trim_start_matches('-');
        let options = self.extensions.iter().flat_map(Extension::options);
        let known = generic::LONG.iter().map(|g| g.long);
        let problem = problem.did_you_mean(bare, known.chain(options.map(|opt| opt.name)));
        let names: Vec<_> = self.extensions.iter().map(Extension::name).collect();
        if names.is_empty() {
            problem.expected("an option of iptables; no match is loaded")
        } else {
            problem.expected(format!("an option of iptables or of {}", names.join(", ")))
        }
    }

    /// `-x`, `-x value`, `-xvalue`; flags may be run together.
    fn short(&mut self, word: &Word) -> Parsed<()> {
        let mut rest = word.text.get(1..).unwrap_or_default();
        while let Some(c) = rest.chars().next() {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            let Some(option) = generic::short(c) else {
                let message = format!("unknown option `-{c}`");
                return Err(Problem::new(Code::Option, message).at(word.span));
            };
            if option.takes_value() {
                let attached = (!rest.is_empty()).then_some(rest);
                return self.generic(word, option, attached);
            }
            self.generic(word, option, None)?;
        }
        Ok(())
    }

    /// The option's value: attached, or the next word.
    pub(super) fn value(&mut self, word: &Word, attached: Option<&str>) -> Parsed<Word> {
        if let Some(text) = attached {
            let end = word.span.end;
            return Ok(Word {
                text: text.to_owned(),
                span: Span::new(end.saturating_sub(text.len()), end),
            });
        }
        let value = self.words.get(self.next).cloned();
        self.next += 1;
        value.ok_or_else(|| {
            let message = format!("`{}` needs a value", word.text);
            Problem::new(Code::Option, message).at(word.span)
        })
    }

    /// The next word, if it can be no option.
    pub(super) fn optional_value(&mut self) -> Option<Word> {
        let word = self.words.get(self.next)?;
        if word.text.starts_with(['-', '!']) {
            return None;
        }
        self.next += 1;
        Some(word.clone())
    }

    /// The value of an option that `!` may invert. The old form has the `!` behind the option.
    pub(super) fn invertible_value(&mut self, word: &Word, attached: Option<&str>) -> Parsed<Word> {
        let value = self.value(word, attached)?;
        let bare = value.span.end - value.span.start == 1;
        if value.text != "!" || !bare || self.next >= self.words.len() {
            return Ok(value);
        }
        if self.bang.replace(value.span).is_some() {
            return Err(Problem::new(Code::Option, "two `!` for one option").at(value.span));
        }
        self.warnings.push(
            Problem::new(
                Code::Option,
                "`!` behind its option is an old form, read as before it",
            )
            .at(value.span)
            .help(format!(
                "write `! {}`; today's iptables-restore refuses this",
                word.text
            )),
        );
        self.value(word, None)
    }

    fn extension(
        &mut self,
        word: &Word,
        index: usize,
        opt: &'static Opt,
        attached: Option<&str>,
    ) -> Parsed<()> {
        let mut args = Vec::new();
        if attached.is_some() && opt.words == 0 {
            let message = format!("`--{}` takes no value", opt.name);
            return Err(Problem::new(Code::Option, message).at(word.span));
        }
        if opt.optional {
            args.extend(match attached {
                Some(_) => Some(self.value(word, attached)?),
                None => self.optional_value(),
            });
        } else if opt.words > 0 {
            args.push(if opt.invertible {
                self.invertible_value(word, attached)?
            } else {
                self.value(word, attached)?
            });
        }
        if opt.words == 2 {
            let second = self.optional_value().ok_or_else(|| {
                let message = format!("`--{}` needs two values", opt.name);
                Problem::new(Code::Option, message).at(word.span)
            })?;
            args.push(second);
        }
        let span = args
            .last()
            .map_or(word.span, |last| word.span.to(last.span));
        let inverted = self.take_bang().is_some();
        let protocol = self.tests.protocol.filter(|p| p.value.0 != 0);
        if let Some(extension) = self.extensions.get_mut(index) {
            extension.given.push(Occurrence {
                opt,
                inverted,
                args,
                span,
                protocol,
            });
        }
        Ok(())
    }
}
