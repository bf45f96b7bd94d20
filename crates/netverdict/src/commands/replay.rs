//! `netverdict replay`.

use std::io::Write;

use netverdict_capture::{Captures, Summary};
use netverdict_replay::{NullSink, Options, ReplayError, Session, Setup, Sink, survey};
use netverdict_report::packets::Lines;
use netverdict_report::text::Text;
use netverdict_report::{
    Palette, Run, Tally, assemble, conntrack, counters, json, markdown::Markdown,
};
use netverdict_ruleset::text;

use crate::args::common::Common;
use crate::args::inputs::Unknown;
use crate::args::replay::{Format, Replay};
use crate::captures::{self, Sources};
use crate::error::Failure;
use crate::host;
use crate::output::Output;
use crate::progress::Bar;
use crate::{exit, names};

pub(crate) fn run(args: &Replay) -> Result<u8, Failure> {
    let sources = Sources::new(&args.captures, &args.host.host)?;
    let rules = host::read(&args.host)?;
    let overrides = host::overrides(&args.overrides, &args.model, args.host.lenient)?;
    let mut warnings = rules.warnings.clone();
    warnings.extend(
        sources
            .left_out
            .iter()
            .map(|name| format!("{name}: no capture, left out")),
    );
    let (survey, frames) = survey(sources.open()?).map_err(|e| failed(&e, None))?;
    let setup = rules.setup(&survey, &overrides, host::config(&args.model))?;
    let job = Job {
        setup: &setup,
        sources: &sources,
        warnings,
        frames,
        separate: args.separate,
        options: Options {
            fail_on_unknown: args.model.unknown == Unknown::Fail,
            keep_counters: args.model.keep_counters,
            until: None,
        },
        format: args.format,
        common: &args.common,
    };
    job.run()
}

/// Everything that a replay needs.
pub(crate) struct Job<'j> {
    pub(crate) setup: &'j Setup,
    pub(crate) sources: &'j Sources,
    pub(crate) warnings: Vec<String>,
    /// How many frames there are.
    pub(crate) frames: u64,
    pub(crate) separate: bool,
    pub(crate) options: Options,
    pub(crate) format: Format,
    pub(crate) common: &'j Common,
}

impl Job<'_> {
    pub(crate) fn run(&self) -> Result<u8, Failure> {
        let mut output = Output::open(self.common)?;
        let captures = match self.format {
            Format::Packets => {
                let mut sink = Lines::new(self.setup, self.sources.names(), &mut output);
                let session = self.replay(&mut sink)?;
                super::warn(self.common, &self.all_warnings(&session));
                session.captures().to_vec()
            }
            Format::Counters => {
                let session = self.replay(&mut NullSink)?;
                let written = counters::write(&session.totals(), &mut output);
                written.map_err(|error| output.failure(&error))?;
                super::warn(self.common, &self.all_warnings(&session));
                session.captures().to_vec()
            }
            Format::Conntrack => {
                let session = self.replay(&mut NullSink)?;
                let written = conntrack::write(&session.engine().connections(), &mut output);
                written.map_err(|error| output.failure(&error))?;
                super::warn(self.common, &self.all_warnings(&session));
                session.captures().to_vec()
            }
            Format::Text | Format::Json | Format::Markdown => self.summary(&mut output)?,
        };
        output.finish()?;
        captures::refuse_damaged(&captures)?;
        Ok(exit::DONE)
    }

    fn summary(&self, output: &mut Output) -> Result<Vec<Summary>, Failure> {
        let mut tally = Tally::default();
        let session = self.replay(&mut tally)?;
        let totals = session.totals();
        let mut warnings = self.warnings.clone();
        warnings.extend(session.warnings());
        let report = assemble(&Run {
            setup: self.setup,
            captures: session.captures(),
            tally: &tally,
            totals: &totals,
            warnings: &warnings,
            fail_on_unknown: self.options.fail_on_unknown,
            separate: self.separate,
            keep_counters: self.options.keep_counters,
            version: env!("CARGO_PKG_VERSION"),
        });
        let palette = if output.has_colours() {
            Palette::COLOURS
        } else {
            Palette::PLAIN
        };
        let written = match self.format {
            Format::Json => json::write(&report, output),
            Format::Markdown => output.write_all(&text::encode(&Markdown(&report).to_string())),
            _ => output.write_all(&text::encode(&Text::new(&report, palette).to_string())),
        };
        written.map_err(|error| output.failure(&error))?;
        Ok(session.captures().to_vec())
    }

    /// Takes all captures through the host.
    fn replay<S: Sink>(&self, sink: &mut S) -> Result<Session<'_>, Failure> {
        let bar = Bar::new(self.common, self.frames);
        let mut session = Session::new(self.setup, self.options);
        let mut one = |session: &mut Session<'_>, captures: Captures| {
            let ran = session.run(captures, sink, &mut (), &|progress| bar.advance(progress));
            ran.map_err(|e| failed(&e, Some(self.setup)))
        };
        let result = if self.separate {
            self.sources
                .open_each()
                .zip(0..)
                .try_for_each(|(captures, index)| {
                    if index > 0 {
                        session.restart();
                    }
                    one(&mut session, captures?)
                })
        } else {
            self.sources
                .open()
                .and_then(|captures| one(&mut session, captures))
        };
        bar.finish();
        result.map(|()| session)
    }

    /// The warnings of a format that has no place for them.
    fn all_warnings(&self, session: &Session<'_>) -> Vec<String> {
        let of_captures = session.captures().iter();
        let of_captures =
            of_captures.flat_map(|c| c.warnings.iter().map(|w| format!("{}: {w}", c.name)));
        self.warnings
            .iter()
            .cloned()
            .chain(of_captures)
            .chain(session.warnings())
            .collect()
    }
}

/// What a replay that ended early means to its user.
pub(crate) fn failed(error: &ReplayError, setup: Option<&Setup>) -> Failure {
    match error {
        ReplayError::Capture(error) => captures::unreadable(error),
        ReplayError::Output(error) => {
            Failure::io("write", std::path::Path::new("the output"), error)
        }
        ReplayError::Undecided {
            capture,
            number,
            rule,
            match_index,
            why,
        } => {
            let place = rule
                .zip(setup)
                .map(|(rule, setup)| names::describe(setup, rule, *match_index));
            let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
            Failure::with_help(
                format!("{capture}: packet {number} cannot be decided: {place}{why}"),
                "--assume gives a fact that is missing; --unknown no-match goes on without it",
            )
        }
        error => Failure::new(error.to_string()),
    }
}
