//! `netverdict test`.

mod hosts;
mod init;
mod review;

use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use netverdict_report::Palette;
use netverdict_ruleset::text;
use netverdict_suite::document::{
    Orphan, Report, Run, SCHEMA, Snapshot, SnapshotState, Status, Totals, write_json,
};
use netverdict_suite::{
    Case, CaseError, Decision, Ended, Filter, Job, LoadError, Markdown, Order, Place, Text,
    discover, junit, run_all,
};

use crate::args::test::{Format, Shuffle, Test};
use crate::error::{Excerpt, Failure, Problem};
use crate::exit;
use crate::output::Output;
use hosts::CommandHosts;

pub(crate) fn run(args: &Test) -> Result<u8, Failure> {
    if args.init {
        return init::run(args);
    }
    if args.review {
        review::refuse_without_terminal()?;
    }
    let filter = Filter::new(&args.filter).map_err(|e| Failure::new(format!("--filter: {e}")))?;
    let found = discover(&args.paths).map_err(|e| unreadable(&e))?;
    let mut loaded = Loaded::new(&found.cases);
    loaded.select(&filter);
    let jobs = loaded.jobs(&filter);
    if jobs.is_empty() && loaded.broken.is_empty() {
        return Err(none_wanted(args, &loaded));
    }
    if args.list {
        return list(args, &jobs, &loaded);
    }
    let ci = args.ci || is_ci(args);
    let order = Order {
        shuffle: args.shuffle.map(|shuffle| match shuffle {
            Shuffle::Draw => draw(),
            Shuffle::Seed(seed) => seed,
        }),
        fail_fast: args.fail_fast,
        ci,
    };
    let bar = bar(args, jobs.len() as u64);
    let ended = run_all(&jobs, &CommandHosts, order, &|| bar.inc(1));
    bar.finish_and_clear();
    let strays = if filter.is_all() {
        found.strays
    } else {
        Vec::new()
    };
    let suite = Suite {
        args,
        ci,
        jobs: &jobs,
        loaded: &loaded,
    };
    suite.report(ended, strays, order.shuffle)
}

/// Whether the surroundings say that this is CI.
fn is_ci(args: &Test) -> bool {
    let ci = std::env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"));
    ci && !args.accept && !args.review
}

/// A seed that nobody chose.
fn draw() -> u64 {
    // The standard library's hash keys are random; few digits are easily typed again.
    std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish()
        % 1_000_000
}

/// The cases, those that can be read and those that cannot.
struct Loaded {
    cases: Vec<Case>,
    broken: Vec<(Place, LoadError)>,
}

impl Loaded {
    fn new(places: &[Place]) -> Self {
        let mut loaded = Self {
            cases: Vec::new(),
            broken: Vec::new(),
        };
        for place in places {
            match Case::load(place.name.clone(), &place.directory) {
                Ok(case) => loaded.cases.push(case),
                Err(error) => loaded.broken.push((place.clone(), error)),
            }
        }
        loaded
    }

    /// Leaves out what the filter does not want.
    fn select(&mut self, filter: &Filter) {
        self.broken.retain(|(place, _)| filter.has(&place.name));
    }

    fn jobs(&self, filter: &Filter) -> Vec<Job<'_>> {
        let all = self.cases.iter().flat_map(|case| {
            let hosts = case.hosts.iter();
            hosts.map(move |host| Job { case, host })
        });
        all.filter(|job| filter.has(&job.name())).collect()
    }
}

fn none_wanted(args: &Test, loaded: &Loaded) -> Failure {
    let names: Vec<_> = loaded
        .cases
        .iter()
        .flat_map(|case| case.hosts.iter().map(|host| case.run_name(host)))
        .take(8)
        .collect();
    Failure::with_help(
        format!("no case has {} in its name", args.filter.join(" or ")),
        format!("there are {}", names.join(", ")),
    )
}

fn list(args: &Test, jobs: &[Job<'_>], loaded: &Loaded) -> Result<u8, Failure> {
    let mut output = Output::open(&args.printed.common)?;
    let names: String = jobs.iter().map(|job| job.name() + "\n").collect();
    let written = output.write_all(names.as_bytes());
    written.map_err(|error| output.failure(&error))?;
    output.finish()?;
    let problems: Vec<_> = loaded
        .broken
        .iter()
        .flat_map(|(_, error)| problems(error))
        .collect();
    if problems.is_empty() {
        Ok(exit::DONE)
    } else {
        Err(Failure::Problems(problems))
    }
}

fn bar(args: &Test, runs: u64) -> ProgressBar {
    use std::io::IsTerminal as _;
    if args.printed.common.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40.cyan/dim} {pos}/{len} cases");
    ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::stderr())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A suite that has run.
struct Suite<'s> {
    args: &'s Test,
    ci: bool,
    jobs: &'s [Job<'s>],
    loaded: &'s Loaded,
}

impl Suite<'_> {
    fn report(
        &self,
        ended: Vec<Ended<Failure>>,
        strays: Vec<PathBuf>,
        shuffle: Option<u64>,
    ) -> Result<u8, Failure> {
        let mut failures: Vec<Failure> = Vec::new();
        let mut review = review::Review::new(&self.args.printed.common);
        let mut decide = |question: netverdict_suite::Question<'_>| match self.args {
            Test { accept: true, .. } => Decision::Accept,
            Test { review: true, .. } => review.ask(question),
            _ if self.ci => Decision::Untouched,
            _ => Decision::Leave,
        };
        let mut runs: Vec<Run> = Vec::new();
        for (job, ended) in self.jobs.iter().zip(ended) {
            let mut tell = |failure: Failure| {
                let text = failure.render(false);
                failures.push(failure);
                text
            };
            runs.push(job.settle(ended, &CommandHosts, self.ci, &mut decide, &mut tell));
        }
        for (place, error) in &self.loaded.broken {
            runs.push(broken(place, error));
            failures.push(Failure::Problems(problems(error)));
        }
        runs.sort_by(|a, b| a.name.cmp(&b.name));
        let orphans = self.orphans(strays)?;
        let report = Report {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ci: self.ci,
            shuffle,
            totals: totals(&runs),
            runs,
            orphans,
        };
        self.print(&report)?;
        self.complain(&failures);
        Ok(self.exit(&report))
    }

    /// Snapshots of no run, removed where all is taken as it is.
    fn orphans(&self, strays: Vec<PathBuf>) -> Result<Vec<Orphan>, Failure> {
        let mut paths = strays;
        let mut cases: Vec<&Case> = self.jobs.iter().map(|job| job.case).collect();
        cases.dedup_by(|a, b| a.directory == b.directory);
        for case in cases {
            let orphans = case.orphans();
            paths.extend(orphans.map_err(|e| Failure::io("list", &case.directory, &e))?);
        }
        let removed = self.args.accept;
        let mut orphans = Vec::new();
        for path in paths {
            if removed {
                std::fs::remove_file(&path).map_err(|e| Failure::io("remove", &path, &e))?;
            }
            orphans.push(Orphan {
                path: path.display().to_string(),
                removed,
            });
        }
        Ok(orphans)
    }

    fn print(&self, report: &Report) -> Result<(), Failure> {
        let mut output = Output::open(&self.args.printed.common)?;
        let palette = if output.has_colours() {
            Palette::COLOURS
        } else {
            Palette::PLAIN
        };
        let written = match self.args.printed.format {
            Format::Json => write_json(report, &mut output),
            Format::Markdown => output.write_all(&text::encode(&Markdown(report).to_string())),
            Format::Junit => {
                let text = junit(report).map_err(|e| Failure::new(e.to_string()))?;
                output.write_all(text.as_bytes())
            }
            Format::Text => {
                output.write_all(&text::encode(&Text::new(report, palette).to_string()))
            }
        };
        written.map_err(|error| output.failure(&error))?;
        output.finish()
    }

    /// Says what cannot be read on standard error, where the format is not for a person who reads it anyway.
    fn complain(&self, failures: &[Failure]) {
        let is_shown =
            self.args.printed.format == Format::Text && self.args.printed.common.output.is_none();
        if !is_shown {
            failures.iter().for_each(crate::complain);
        }
    }

    fn exit(&self, report: &Report) -> u8 {
        let totals = report.totals;
        let orphaned = self.ci && report.orphans.iter().any(|orphan| !orphan.removed);
        if totals.unreadable > 0 {
            exit::UNUSABLE
        } else if totals.failed > 0 || orphaned {
            exit::FOUND
        } else {
            exit::DONE
        }
    }
}

fn totals(runs: &[Run]) -> Totals {
    let of = |status| runs.iter().filter(|run| run.status == status).count() as u64;
    Totals {
        passed: of(Status::Passed),
        failed: of(Status::Failed),
        unreadable: of(Status::Unreadable),
        not_run: of(Status::NotRun),
    }
}

/// A case whose file cannot be read.
fn broken(place: &Place, error: &LoadError) -> Run {
    Run {
        name: place.name.clone(),
        description: None,
        directory: place.directory.display().to_string(),
        status: Status::Unreadable,
        packets: 0,
        flows: 0,
        expectations: 0,
        snapshot: Snapshot {
            path: None,
            state: SnapshotState::None,
        },
        failures: Vec::new(),
        error: Some(Failure::Problems(problems(error)).render(false)),
        assumptions: Vec::new(),
        warnings: Vec::new(),
    }
}

/// What a case that cannot be read means to its user.
pub(super) fn unreadable(error: &LoadError) -> Failure {
    Failure::Problems(problems(error))
}

fn problems(error: &LoadError) -> Vec<Problem> {
    let problem = match error {
        LoadError::Case(error) => pointing(error),
        LoadError::Io { path, source } => {
            let why = crate::error::plain(source);
            Problem::new(format!("cannot read {}: {why}", path.display()))
        }
        error @ LoadError::NoCase { .. } => {
            Problem::new(error.to_string()).help("netverdict test --init HOST CAPTURE makes one")
        }
    };
    vec![problem]
}

/// The excerpt of a case's file.
fn pointing(error: &CaseError) -> Problem {
    let problem = Problem::new(error.title.clone()).excerpt(Excerpt {
        name: error.path.clone(),
        line: error.line,
        text: error.excerpt.clone(),
        span: error.span.clone(),
        label: error.label.clone(),
    });
    match &error.help {
        Some(help) => problem.help(help.clone()),
        None => problem,
    }
}
