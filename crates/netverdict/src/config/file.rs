//! Reading `netverdict.toml`: which keys there are, what each may hold, and where it went wrong.

mod allow;

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};
use netverdict_lint::allow::Allow;
use netverdict_syntax::closest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::is_settable;
use crate::error::{Excerpt, Failure, Problem};

/// The table of findings that are put up with; `lint` and `audit` read it.
const ALLOW: &str = "allow";

/// What a file says.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    settings: Vec<Setting>,
    /// `[[allow]]`.
    pub(crate) allow: Vec<Allow>,
}

/// One option's default.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The command that it holds for; all that have the option if `None`.
    command: Option<String>,
    long: String,
    /// As the command line would say it.
    pub(crate) values: Vec<String>,
    /// Where it stands, from 1.
    pub(crate) line: usize,
}

impl Setting {
    /// Whether an option takes the values: what holds for all commands may be a format that only some have.
    pub(super) fn fits(&self, arg: &Arg) -> bool {
        let possible = arg.get_possible_values();
        let takes = |value: &String| possible.iter().any(|p| p.matches(value, false));
        possible.is_empty() || self.values.iter().all(takes)
    }
}

impl Settings {
    /// What holds for a command's option: the command's own table goes before the top.
    pub(crate) fn of(&self, command: &str, long: &str) -> Option<&Setting> {
        let of = |wanted: Option<&str>| {
            self.settings
                .iter()
                .find(|s| s.long == long && s.command.as_deref() == wanted)
        };
        of(Some(command)).or_else(|| of(None))
    }

    /// Whether a value that the command line's parser refuses may be from here.
    pub(crate) fn explains(&self, error: &clap::Error) -> bool {
        let is_of_value = matches!(
            error.kind(),
            ErrorKind::InvalidValue | ErrorKind::ValueValidation
        );
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => text.clone(),
            _ => String::new(),
        };
        let (option, value) = (
            text(ContextKind::InvalidArg),
            text(ContextKind::InvalidValue),
        );
        is_of_value
            && self
                .settings
                .iter()
                .any(|s| option.starts_with(&format!("--{}", s.long)) && s.values.contains(&value))
    }
}

/// Reads and checks a file.
pub(super) fn read(path: &Path, command: &Command) -> Result<Settings, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io("read", path, &e))?;
    let reader = Reader {
        name: super::shown(path),
        text: &text,
        command,
    };
    let (settings, allow) = reader.settings()?;
    Ok(Settings {
        path: path.to_owned(),
        settings,
        allow,
    })
}

/// What was read, and what is wrong with the rest.
fn sorted<T>(read: Vec<Result<T, Failure>>) -> Result<(Vec<T>, Vec<Problem>), Failure> {
    let mut good = Vec::new();
    let mut problems = Vec::new();
    for item in read {
        match item {
            Ok(item) => good.push(item),
            Err(Failure::Problems(found)) => problems.extend(found),
            Err(failure) => return Err(failure),
        }
    }
    Ok((good, problems))
}

struct Reader<'r> {
    name: String,
    text: &'r str,
    command: &'r Command,
}

impl Reader<'_> {
    fn settings(&self) -> Result<(Vec<Setting>, Vec<Allow>), Failure> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            self.problem("is not TOML".to_owned(), span, error.message().to_owned())
        })?;
        let mut read = Vec::new();
        let mut allow = Vec::new();
        for (key, value) in table.get_ref() {
            let word = key.get_ref().as_ref();
            let command = self.command.find_subcommand(word);
            if word == ALLOW {
                allow = self.allowed(value);
            } else if let (Some(command), DeValue::Table(table)) = (command, value.get_ref()) {
                let own = table.iter();
                read.extend(own.map(|(key, value)| self.setting(Some(command), key, value)));
            } else {
                read.push(self.setting(None, key, value));
            }
        }
        let (settings, mut problems) = sorted(read)?;
        let (allow, more) = sorted(allow)?;
        problems.extend(more);
        if problems.is_empty() {
            Ok((settings, allow))
        } else {
            Err(Failure::Problems(problems))
        }
    }

    fn setting(
        &self,
        command: Option<&Command>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Setting, Failure> {
        let word = key.get_ref().as_ref();
        let commands: Vec<&Command> = match command {
            Some(command) => vec![command],
            None => self.command.get_subcommands().collect(),
        };
        let options = commands.iter().flat_map(|c| c.get_arguments());
        let options: Vec<&Arg> = options.filter(|arg| is_settable(arg)).collect();
        let same: Vec<&Arg> = options
            .iter()
            .copied()
            .filter(|arg| arg.get_long() == Some(word))
            .collect();
        if same.is_empty() {
            return Err(self.unknown(command, key, &options));
        }
        let values = self.values(value, &same)?;
        Ok(Setting {
            command: command.map(|c| c.get_name().to_owned()),
            long: word.to_owned(),
            values,
            line: self.position(key.span().start).0,
        })
    }

    fn unknown(
        &self,
        command: Option<&Command>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        options: &[&Arg],
    ) -> Failure {
        let word = key.get_ref().as_ref();
        let mut known: Vec<&str> = options.iter().filter_map(|arg| arg.get_long()).collect();
        if command.is_none() {
            known.extend(self.command.get_subcommands().map(Command::get_name));
            known.push(ALLOW);
        }
        let of = command.map(|c| format!(" of `{}`", c.get_name()));
        let label = match closest(word, known) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "expected the name of an option or command".to_owned(),
        };
        self.problem(
            format!("unknown key `{word}`{}", of.unwrap_or_default()),
            key.span(),
            label,
        )
    }

    /// The value as the command line would say it.
    fn values(
        &self,
        value: &Spanned<DeValue<'_>>,
        options: &[&Arg],
    ) -> Result<Vec<String>, Failure> {
        let is = |action: fn(&ArgAction) -> bool| options.iter().any(|a| action(a.get_action()));
        let is_switch = is(|action| matches!(action, ArgAction::SetTrue));
        let is_list = is(|action| matches!(action, ArgAction::Append));
        let expected = |what: &str| {
            let found = value.get_ref().type_str();
            self.problem(
                format!("a value that does not fit: found {found}"),
                value.span(),
                format!("expected {what}"),
            )
        };
        match value.get_ref() {
            DeValue::Boolean(is_on) if is_switch => Ok(vec![is_on.to_string()]),
            _ if is_switch => Err(expected("true or false")),
            DeValue::Array(array) if is_list => {
                array.iter().map(|item| self.value(item, options)).collect()
            }
            DeValue::Array(_) => Err(expected("one value")),
            DeValue::Table(_) | DeValue::Boolean(_) => Err(expected(if is_list {
                "a list of texts"
            } else {
                "a text or a number"
            })),
            _ => Ok(vec![self.value(value, options)?]),
        }
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, options: &[&Arg]) -> Result<String, Failure> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            other => {
                return Err(self.problem(
                    format!("a value that does not fit: found {}", other.type_str()),
                    value.span(),
                    "expected a text or a number".to_owned(),
                ));
            }
        };
        let possible: Vec<String> = options
            .iter()
            .flat_map(|arg| arg.get_possible_values())
            .map(|value| value.get_name().to_owned())
            .collect();
        if possible.is_empty() || possible.contains(&text) {
            return Ok(text);
        }
        let label = match closest(&text, possible.iter().map(String::as_str)) {
            Some(known) => format!("did you mean `{known}`?"),
            None => format!("expected one of {}", possible.join(", ")),
        };
        Err(self.problem(format!("unknown value `{text}`"), value.span(), label))
    }

    fn problem(&self, title: String, span: Range<usize>, label: String) -> Failure {
        let (line, start) = self.position(span.start);
        let text = self.text.lines().nth(line - 1).unwrap_or_default();
        let width = span.end.saturating_sub(span.start).max(1);
        let problem = Problem::new(format!("{}: {title}", self.name)).excerpt(Excerpt {
            name: self.name.clone(),
            line,
            text: text.to_owned(),
            span: start..(start + width).min(text.len()).max(start),
            label,
        });
        problem.into()
    }

    /// Line, from 1, and byte of it, from 0.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        (
            line,
            before.len() - before.rfind('\n').map_or(0, |at| at + 1),
        )
    }
}
