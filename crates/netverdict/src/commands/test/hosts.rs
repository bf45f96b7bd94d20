//! A case's hosts, read as the command line's are.

use std::io;
use std::path::Path;

use clap::ValueEnum;
use netverdict_bundle::Survey;
use netverdict_replay::{ReplayError, Setup};
use netverdict_suite::{HostEntry, Hosts, Options};

use crate::args::inputs::{self, Direction, Host, Model};
use crate::commands::replay;
use crate::error::Failure;
use crate::host;

/// Reads hosts with the code that reads those of every other command.
#[derive(Debug, Clone, Copy)]
pub(super) struct CommandHosts;

impl Hosts for CommandHosts {
    type Error = Failure;

    fn setup(&self, entry: &HostEntry, survey: &Survey) -> Result<(Setup, Vec<String>), Failure> {
        let options = &entry.options;
        let rules = host::read(&Host {
            host: entry.path.clone(),
            also: entry.also.clone(),
            lenient: options.lenient,
        })?;
        let warnings = rules.warnings.clone();
        let model = model(options)?;
        let overrides = host::overrides(&overrides(options), &model, options.lenient)?;
        let setup = rules.setup(survey, &overrides, host::config(&model))?;
        Ok((setup, warnings))
    }

    fn failed(&self, error: &ReplayError, setup: Option<&Setup>) -> Failure {
        replay::failed(error, setup)
    }

    fn io(&self, action: &str, path: &Path, error: &io::Error) -> Failure {
        Failure::io(action, path, error)
    }
}

fn overrides(options: &Options) -> inputs::Overrides {
    inputs::Overrides {
        local: options.local.clone(),
        set: options.set.clone(),
        iface: options.iface.clone(),
        direction: word::<Direction>(options.direction.as_deref()).unwrap_or_default(),
    }
}

fn model(options: &Options) -> Result<Model, Failure> {
    let facts = options.assume.iter().map(|text| {
        netverdict_assume::parse(text)
            .map_err(|error| Failure::new(format!("assume = [\"{text}\"]: {error}")))
    });
    Ok(Model {
        backend: word(options.backend.as_deref()),
        checksums: word(options.checksums.as_deref()).unwrap_or_default(),
        hz: options.hz,
        seed: options.seed.unwrap_or(0),
        unknown: word(options.unknown.as_deref()).unwrap_or_default(),
        assume: facts.collect::<Result<_, _>>()?,
        keep_counters: options.keep_counters,
    })
}

/// A flag's value by its name; the case's reader has refused those that are none.
fn word<T: ValueEnum>(text: Option<&str>) -> Option<T> {
    T::from_str(text?, false).ok()
}
