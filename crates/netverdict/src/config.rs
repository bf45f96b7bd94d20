//! `netverdict.toml` and `NETVERDICT_*`: defaults for options.
//!
//! A key is a long option's name. At the top it holds for each command that has the option, in a table named for a command
//! for that one. What the command line says goes before the environment, the environment before the file.

mod file;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use netverdict_bundle::{Assumption, Subject};

use crate::args::Cli;
use crate::error::Failure;
use file::Settings;

/// The file's name.
const NAME: &str = "netverdict.toml";

/// Options that say what one run is to do, and so have no default.
const OF_A_RUN: [&str; 14] = [
    "output",
    "before",
    "explain",
    "config",
    "no-config",
    "packet",
    "send",
    "run",
    "accept",
    "review",
    "init",
    "list",
    "help",
    "version",
];

/// Options that change what the model does or takes for given: what is not from the command line is stated.
const OF_THE_MODEL: [&str; 14] = [
    "also",
    "lenient",
    "separate",
    "local",
    "set",
    "iface",
    "direction",
    "backend",
    "checksums",
    "hz",
    "seed",
    "unknown",
    "assume",
    "keep-counters",
];

static SURROUNDINGS: OnceLock<Surroundings> = OnceLock::new();

/// What the run was told by other ways than its command line.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    /// Model settings, each stated in reports.
    pub(crate) assumptions: Vec<Assumption>,
    /// Findings that are put up with.
    pub(crate) allowed: netverdict_lint::allow::Config,
}

/// What the run was told by other ways than its command line; empty before the command line was read.
pub(crate) fn surroundings() -> &'static Surroundings {
    static NONE: Surroundings = Surroundings {
        assumptions: Vec::new(),
        allowed: netverdict_lint::allow::Config { allow: Vec::new() },
    };
    SURROUNDINGS.get().unwrap_or(&NONE)
}

/// Reads the command line, the environment and the file.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Cli, Failure> {
    let settings = match wanted(&arguments) {
        Wanted::Nothing => None,
        Wanted::File(path) => Some(file::read(&path, &Cli::command())?),
        Wanted::Search => match upward() {
            Some(path) => Some(file::read(&path, &Cli::command())?),
            None => None,
        },
    };
    let mut command = with_defaults(Cli::command(), settings.as_ref());
    let matches = command
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| {
            Cli::from_arg_matches(&matches)
                .map(|cli| (cli, matches))
                .map_err(|error| error.format(&mut command))
        });
    let (cli, matches) = matches.unwrap_or_else(|error| {
        let is_from_file = settings
            .as_ref()
            .is_some_and(|settings| settings.explains(&error));
        if let (true, Some(settings)) = (is_from_file, &settings) {
            // clap ends the process: what is to be said beside its message is said first.
            let note = format!("note: {} sets this", settings.path.display());
            drop(writeln!(anstream::stderr(), "{note}"));
        }
        error.exit()
    });
    let assumptions = stated(&matches, settings.as_ref());
    let allow = settings.map_or_else(Vec::new, |settings| settings.allow);
    let surroundings = Surroundings {
        assumptions,
        allowed: netverdict_lint::allow::Config { allow },
    };
    // The command line is read once.
    drop(SURROUNDINGS.set(surroundings));
    Ok(cli)
}

/// Which file the command line asks for.
enum Wanted {
    Nothing,
    File(PathBuf),
    Search,
}

/// clap can be asked only when it knows the defaults, which are in the file that this option names.
fn wanted(arguments: &[OsString]) -> Wanted {
    let mut arguments = arguments.iter().take_while(|a| *a != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--no-config" {
            return Wanted::Nothing;
        }
        if argument == "--config" {
            return arguments
                .next()
                .map_or(Wanted::Nothing, |path| Wanted::File(path.into()));
        }
        let joined = argument.to_str().and_then(|a| a.strip_prefix("--config="));
        if let Some(path) = joined {
            return Wanted::File(path.into());
        }
    }
    match std::env::var_os("NETVERDICT_CONFIG") {
        Some(path) if path.is_empty() => Wanted::Nothing,
        Some(path) => Wanted::File(path.into()),
        None => Wanted::Search,
    }
}

/// The file in the working directory or the nearest one above it.
fn upward() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let found = here.ancestors().map(|folder| folder.join(NAME));
    let found = found.into_iter().find(|path| path.is_file())?;
    // Shorter to read where it is right here.
    Some(if found.parent() == Some(&here) {
        PathBuf::from(NAME)
    } else {
        found
    })
}

/// An option that may have a default from outside the command line.
fn is_settable(arg: &Arg) -> bool {
    arg.get_long().is_some_and(|long| !OF_A_RUN.contains(&long))
}

fn with_defaults(command: Command, settings: Option<&Settings>) -> Command {
    command.mut_subcommands(|sub| {
        let name = sub.get_name().to_owned();
        sub.mut_args(|arg| {
            let Some(long) = arg.get_long().map(str::to_owned) else {
                return arg;
            };
            if !is_settable(&arg) {
                return arg;
            }
            let arg = arg.env(variable(&long)).hide_env(true);
            match settings.and_then(|s| s.of(&name, &long)) {
                Some(setting) if setting.fits(&arg) => arg.default_values(setting.values.clone()),
                _ => arg,
            }
        })
    })
}

/// `NETVERDICT_KEEP_COUNTERS` of `keep-counters`.
fn variable(long: &str) -> String {
    format!("NETVERDICT_{}", long.to_uppercase().replace('-', "_"))
}

/// Each model setting that is not from the command line, as an assumption.
fn stated(matches: &ArgMatches, settings: Option<&Settings>) -> Vec<Assumption> {
    let Some((name, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    let options = OF_THE_MODEL.into_iter().filter_map(|long| {
        let id = long.replace('-', "_");
        // A command that does not have the option knows no such id.
        let source = matches
            .try_contains_id(&id)
            .ok()?
            .then(|| matches.value_source(&id))??;
        let value = |values: clap::parser::RawValues<'_>| {
            let values: Vec<_> = values.map(OsStr::to_string_lossy).collect();
            values.join(", ")
        };
        let value = matches.get_raw(&id).map(value).unwrap_or_default();
        let by = match source {
            ValueSource::EnvVariable => variable(long),
            ValueSource::DefaultValue => {
                let settings = settings?;
                let setting = settings.of(name, long)?;
                format!("{} line {}", settings.path.display(), setting.line)
            }
            _ => return None,
        };
        Some(Assumption::new(
            Subject::Configured,
            format!("{long} is {value}, set by {by}"),
            format!("--{long}"),
        ))
    });
    options.collect()
}

/// A path as given, for messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
