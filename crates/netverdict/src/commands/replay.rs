//! `netverdict replay`.

use std::cell::Cell;
use std::io::Write;

use netverdict_audit::{Auditor, Places, coverage, subject};
use netverdict_bundle::{Overrides, Survey};
use netverdict_capture::{Captures, Summary};
use netverdict_replay::{
    Each, Lanes, Listing, Options, Progress, Ran, ReplayError, Session, Setup, Watch, survey,
};
use netverdict_report::findings::{Findings, sarif};
use netverdict_report::model::Report;
use netverdict_report::packets::Lines;
use netverdict_report::pcapng::Pcapng;
use netverdict_report::text::Text;
use netverdict_report::{
    Flows, Palette, Paths, Run, Tally, assemble, conntrack, counters, html, json, junit, lcov,
    markdown::Markdown,
};
use netverdict_ruleset::text;
use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

use crate::args::common::Common;
use crate::args::inputs::Unknown;
use crate::args::replay::{Format, Replay};
use crate::captures::{self, Sources};
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{exit, names};
use crate::{hints, host};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(args: &Replay) -> Result<u8, Failure> {
    let sources = Sources::new(&args.captures, &args.host.host)?;
    let rules = host::read(&args.host)?;
    let overrides = host::overrides(&args.overrides, &args.model, args.host.lenient)?;
    let mut warnings = rules.warnings.clone();
    warnings.extend(hints::of_overrides(&rules.bundle, &args.overrides));
    warnings.extend(
        sources
            .left_out
            .iter()
            .map(|name| format!("{name}: no capture, left out")),
    );
    let needs = if Survey::can_tell(&rules.bundle, &overrides) {
        Needs::Before
    } else {
        needs(args)
    };
    let (survey, frames) = if needs == Needs::Before {
        let (survey, frames) = survey(sources.open()?).map_err(|e| failed(&e, None))?;
        (survey, Some(frames))
    } else {
        // What cannot be opened is said before anything is written.
        drop(sources.open()?);
        (Survey::unseen(), None)
    };
    let setup = rules.setup(&survey, &overrides, host::config(&args.model))?;
    let job = Job {
        setup: &setup,
        sources: &sources,
        overrides: &overrides,
        warnings,
        frames,
        separate: args.separate,
        options: Options {
            fail_on_unknown: args.model.unknown == Unknown::Fail,
            keep_counters: args.model.keep_counters,
            until: None,
            at: args.at,
            surveys: needs == Needs::Meanwhile,
        },
        format: args.printed.format,
        common: &args.printed.common,
    };
    let ran = job.run();
    leave(setup);
    ran
}

/// Leaves something to the end of the process, which is near: to free it piece by piece takes longer.
fn leave<T>(what: T) {
    std::mem::forget(what);
}

/// When it has to be known what the captures show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Before the replay.
    Before,
    /// After it: while frames are replayed they are surveyed, too.
    Meanwhile,
    Never,
}

/// The same where the captures tell nothing that the replay depends on: some formats list assumptions, which tell what the
/// captures show, of all of their frames in the order of time.
const fn needs(args: &Replay) -> Needs {
    let is_whole = args.at.is_none() && !args.separate;
    match args.printed.format {
        Format::Counters | Format::Conntrack | Format::Packets => Needs::Never,
        Format::Text | Format::Json | Format::Markdown if is_whole => Needs::Meanwhile,
        _ => Needs::Before,
    }
}

/// Everything that a replay needs.
pub(crate) struct Job<'j> {
    pub(crate) setup: &'j Setup,
    pub(crate) sources: &'j Sources,
    pub(crate) overrides: &'j Overrides,
    pub(crate) warnings: Vec<String>,
    /// How many frames there are, where they were counted.
    pub(crate) frames: Option<u64>,
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
                let mut session = self.replay_unlisted()?;
                let totals = session.take_totals();
                let written = counters::write(&self.setup.rulesets, &totals, &mut output);
                written.map_err(|error| output.failure(&error))?;
                super::warn(self.common, &self.all_warnings(&session));
                let captures = session.captures().to_vec();
                leave((session, totals));
                captures
            }
            Format::Conntrack => {
                let session = self.replay_unlisted()?;
                let written = conntrack::write(&session.connections(), &mut output);
                written.map_err(|error| output.failure(&error))?;
                super::warn(self.common, &self.all_warnings(&session));
                session.captures().to_vec()
            }
            Format::Pcapng => {
                if output.is_terminal() {
                    return Err(Failure::with_help(
                        "pcapng is binary and standard output is a terminal",
                        "-o FILE writes it to a file, `| wireshark -k -i -` shows it",
                    ));
                }
                let read = self.read_through()?;
                let sink = Pcapng::new(self.setup, &read, VERSION, &mut output);
                let session = match sink {
                    Ok(mut sink) => self.replay(&mut Each(&mut sink))?,
                    Err(error) => return Err(output.failure(&error)),
                };
                super::warn(self.common, &self.all_warnings(&session));
                session.captures().to_vec()
            }
            Format::Junit => {
                let mut flows = Flows::new();
                let session = self.replay(&mut Each(&mut flows))?;
                let warnings = self.own_warnings(&session);
                let captures = session.captures();
                let written = junit::write(self.setup, captures, &flows, &warnings, &mut output);
                written.map_err(|error| output.failure(&error))?;
                captures.to_vec()
            }
            Format::Html => {
                let paths = Paths::new();
                let mut watcher = paths.watch();
                let mut flows = Flows::with_packets(paths);
                let session = self.replay_watched(&mut Each(&mut flows), &mut watcher)?;
                // The page's own list of flows has the blocked ones too.
                flows.tally.forget_blocked();
                let report = self.report(&session, &flows.tally);
                let written = html::write(self.setup, &report, &flows, &mut output);
                written.map_err(|error| output.failure(&error))?;
                session.captures().to_vec()
            }
            Format::Lcov | Format::Sarif => self.findings(&mut output)?,
            Format::Text | Format::Json | Format::Markdown => self.summary(&mut output)?,
        };
        output.finish()?;
        captures::refuse_damaged(&captures)?;
        Ok(exit::DONE)
    }

    /// What the replay says of the dumps' lines.
    fn findings(&self, output: &mut Output) -> Result<Vec<Summary>, Failure> {
        let mut auditor = Auditor::default();
        let session = self.replay(&mut Each(&mut auditor))?;
        let subject = subject(self.setup);
        if self.format == Format::Lcov {
            let coverage = coverage(&subject, &session.totals(), None);
            lcov::write(&coverage, output).map_err(|error| output.failure(&error))?;
            super::warn(self.common, &self.all_warnings(&session));
            return Ok(session.captures().to_vec());
        }
        let places = Places { subject: &subject };
        let mut findings = auditor.findings(&places, session.captures());
        netverdict_lint::settle(&mut findings);
        let files: Vec<String> = subject.dumps.iter().map(|d| d.file.clone()).collect();
        let report = Findings {
            command: "replay",
            version: env!("CARGO_PKG_VERSION"),
            host: &self.setup.bundle.name,
            files: &files,
            captures: &self.sources.names(),
            findings: &findings,
            assumptions: &[],
            warnings: &self.all_warnings(&session),
            coverage: None,
            min_coverage: None,
            show_allowed: false,
        };
        sarif::write(&report, output).map_err(|error| output.failure(&error))?;
        Ok(session.captures().to_vec())
    }

    fn summary(&self, output: &mut Output) -> Result<Vec<Summary>, Failure> {
        let mut tally = Tally::default();
        let mut session = self.replay(&mut tally)?;
        let mut report = self.report(&session, &tally);
        if self.options.surveys {
            let taken = host::assumptions(self.setup, &session.take_survey(), self.overrides)?;
            report.assumptions = netverdict_report::assumptions(&taken);
        }
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

    fn report(&self, session: &Session<'_>, tally: &Tally) -> Report {
        assemble(&Run {
            setup: self.setup,
            captures: session.captures(),
            tally,
            totals: &session.totals(),
            assumptions: &self.setup.inferred.assumptions,
            warnings: &self.own_warnings(session),
            fail_on_unknown: self.options.fail_on_unknown,
            separate: self.separate,
            keep_counters: self.options.keep_counters,
            version: VERSION,
        })
    }

    /// What is known of each capture once it was read.
    fn read_through(&self) -> Result<Vec<Summary>, Failure> {
        let mut captures = self.sources.open()?;
        while captures
            .next_batch()
            .map_err(|error| captures::unreadable(&error))?
            .is_some()
        {}
        Ok(captures.files().cloned().collect())
    }

    /// Takes all captures through the host, for formats that list no packets.
    fn replay_unlisted(&self) -> Result<Session<'_>, Failure> {
        if self.separate {
            return self.replay_apart();
        }
        let bar = Bar::new(self.common, self.frames);
        // What each connection became is told in the order of their making, which one engine knows.
        let lanes = match (rayon::current_num_threads(), self.format) {
            (threads @ 2.., Format::Counters) => threads,
            _ => 1,
        };
        let open = || self.sources.open();
        let session = self.count(open, lanes, self.options, &|progress| bar.advance(progress));
        bar.finish();
        session
    }

    /// Counts what captures lead to, in lanes if that is possible.
    fn count(
        &self,
        open: impl Fn() -> Result<Captures, Failure>,
        lanes: usize,
        options: Options,
        progress: &dyn Fn(Progress),
    ) -> Result<Session<'_>, Failure> {
        let count = |lanes| {
            let mut session = Session::new(self.setup, options);
            let ran = session.count(open()?, lanes, progress);
            let ran = ran.map_err(|e| failed(&e, Some(self.setup)))?;
            Ok::<_, Failure>((session, ran))
        };
        match count(Lanes::Many(lanes))? {
            (session, Ran::Whole) => Ok(session),
            (_, Ran::Coupled) => Ok(count(Lanes::One)?.0),
        }
    }

    /// Takes each capture through a fresh host, several at a time, since none has to do with another.
    fn replay_apart(&self) -> Result<Session<'_>, Failure> {
        let bar = Bar::new(self.common, self.frames);
        let mut captures = self.sources.each();
        let mut whole: Option<Session<'_>> = None;
        loop {
            let group: Vec<_> = captures
                .by_ref()
                .take(rayon::current_num_threads())
                .collect();
            if group.is_empty() {
                break;
            }
            let is_first = |index| whole.is_none() && index == 0;
            let sessions: Vec<_> = group
                .into_par_iter()
                .enumerate()
                .map(|(index, open)| self.replay_one(open, is_first(index), &bar))
                .collect();
            for session in sessions {
                match &mut whole {
                    Some(whole) => whole.follow_with(session?),
                    None => whole = Some(session?),
                }
            }
        }
        bar.finish();
        Ok(whole.unwrap_or_else(|| Session::new(self.setup, self.options)))
    }

    fn replay_one(
        &self,
        open: impl Fn() -> Result<Captures, Failure>,
        is_first: bool,
        bar: &Bar,
    ) -> Result<Session<'_>, Failure> {
        // What the dumps had counted counts once.
        let options = Options {
            keep_counters: self.options.keep_counters && is_first,
            ..self.options
        };
        let done = Cell::new(0);
        let progress = |progress: Progress| {
            bar.add(
                progress
                    .frames
                    .saturating_sub(done.replace(progress.frames)),
            );
        };
        self.count(open, 1, options, &progress)
    }

    /// Takes all captures through the host.
    fn replay<L: Listing>(&self, listing: &mut L) -> Result<Session<'_>, Failure> {
        self.replay_watched(listing, &mut ())
    }

    fn replay_watched<L: Listing>(
        &self,
        listing: &mut L,
        watch: &mut dyn Watch,
    ) -> Result<Session<'_>, Failure> {
        let bar = Bar::new(self.common, self.frames);
        let mut session = Session::new(self.setup, self.options);
        let mut one = |session: &mut Session<'_>, captures: Captures| {
            let ran = session.list(captures, listing, watch, &|progress| bar.advance(progress));
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

    /// The warnings beside those of single captures.
    fn own_warnings(&self, session: &Session<'_>) -> Vec<String> {
        let own = self.warnings.iter().cloned();
        own.chain(session.warnings()).collect()
    }

    /// The warnings of a format that has no place for them.
    fn all_warnings(&self, session: &Session<'_>) -> Vec<String> {
        let of_captures = session.captures().iter();
        let of_captures =
            of_captures.flat_map(|c| c.warnings.iter().map(|w| format!("{}: {w}", c.name)));
        of_captures.chain(self.own_warnings(session)).collect()
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
