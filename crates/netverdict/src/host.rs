//! From the arguments that name a host to a [`Setup`], and every way in which that can fail.

use std::path::Path;

use netverdict_bundle::{
    Assumption, Bundle, BundleError, Checksums, DirectionMode, LocalAddress, NotRecognised,
    Overrides, SourceId, SourceKind, Subject, Survey, infer,
};
use netverdict_engine::{Config, Facts, UnknownPolicy};
use netverdict_net::InterfaceName;
use netverdict_replay::Setup;
use netverdict_ruleset::fingerprints::Fingerprint;
use netverdict_ruleset::sets::SetCollection;
use netverdict_ruleset::timeouts::TimeoutPolicy;
use netverdict_ruleset::{Backend, Ruleset};
use netverdict_syntax::{Diagnostic, parse_fingerprints, parse_sets, parse_timeouts};

use crate::args::inputs::{self, Host, Model};
use crate::error::{Excerpt, Failure, Problem};
use crate::suggest;

/// A host's files and the rules in them.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) bundle: Bundle,
    pub(crate) rulesets: Vec<Ruleset>,
    /// The file of each ruleset.
    pub(crate) dumps: Vec<SourceId>,
    sets: Option<SetCollection>,
    timeouts: Option<Vec<TimeoutPolicy>>,
    fingerprints: Option<Vec<Fingerprint>>,
    /// What reading the files took for granted.
    assumptions: Vec<Assumption>,
    /// What reads on, but is odd.
    pub(crate) warnings: Vec<String>,
}

/// Reads a host's files and parses its dumps.
pub(crate) fn read(args: &Host) -> Result<Rules, Failure> {
    let bundle = Bundle::read(args.host.as_os_str(), &args.also).map_err(|e| unreadable(&e))?;
    parse(bundle, args.lenient)
}

/// Parses the dumps of a bundle.
pub(crate) fn parse(bundle: Bundle, lenient: bool) -> Result<Rules, Failure> {
    let dumps = bundle.parse_dumps();
    let name = |id| bundle.source_of(id).map_or("?", |s| s.name.as_str());
    let sets = bundle.source(SourceKind::Ipset);
    let sets = sets.map(|(id, source)| (id, parse_sets(&source.bytes)));
    let timeouts = bundle.source(SourceKind::Timeouts);
    let timeouts = timeouts.map(|(id, source)| (id, parse_timeouts(&source.bytes)));
    let prints = bundle.source(SourceKind::Fingerprints);
    let prints = prints.map(|(id, source)| (id, parse_fingerprints(&source.bytes)));
    let in_sets = sets.iter().map(|(id, sets)| (*id, &sets.diagnostics));
    let in_timeouts = timeouts
        .iter()
        .map(|(id, parsed)| (*id, &parsed.diagnostics));
    let in_prints = prints.iter().map(|(id, prints)| (*id, &prints.diagnostics));
    let bad = in_sets
        .chain(in_timeouts)
        .chain(in_prints)
        .flat_map(|(id, found)| {
            let bad = found.iter().filter(|d| d.is_error());
            bad.map(move |error| (id, error))
        });
    let bad: Vec<_> = bad.collect();
    let refused = dumps.errors().chain(bad.iter().copied());
    let refused = refused.map(|(id, error)| problem(name(id), error));
    let refused_lines = bundle.line_errors.iter().map(|error| {
        Problem::new(format!(
            "{} line {}: {}",
            name(error.source),
            error.line,
            error.problem
        ))
    });
    let mut problems: Vec<_> = refused.chain(refused_lines).collect();
    if let Some(last) = problems.pop().filter(|_| !lenient) {
        problems.push(last.help("--lenient leaves such lines out"));
        return Err(Failure::Problems(problems));
    }
    let odd = dumps.dumps.iter().flat_map(|dump| {
        let odd = dump.parsed.diagnostics.iter().filter(|d| !d.is_error());
        odd.map(|d| format!("{}: {d}", name(dump.source)))
    });
    let warnings = odd.collect();
    let mut assumptions = dumps.assumptions(&bundle);
    assumptions.extend(bundle.line_errors.iter().map(|error| {
        let text = format!(
            "{}:{} is left out: {}",
            name(error.source),
            error.line,
            error.problem
        );
        Assumption::new(
            Subject::LeftOut,
            text,
            "without --lenient the file is refused",
        )
    }));
    assumptions.extend(bad.iter().map(|(id, error)| {
        let text = format!(
            "{}:{} is left out: {}",
            name(*id),
            error.line,
            error.message
        );
        Assumption::new(
            Subject::LeftOut,
            text,
            "without --lenient the file is refused",
        )
    }));
    assumptions.extend(crate::config::surroundings().assumptions.iter().cloned());
    let (dump_ids, rulesets) = dumps.into_rulesets().into_iter().unzip();
    Ok(Rules {
        sets: sets.as_ref().map(|(_, sets)| sets.sets.clone()),
        timeouts: timeouts.as_ref().map(|(_, parsed)| parsed.policies.clone()),
        fingerprints: prints
            .as_ref()
            .map(|(_, prints)| prints.fingerprints.clone()),
        rulesets,
        dumps: dump_ids,
        assumptions,
        warnings,
        bundle,
    })
}

impl Rules {
    /// What reading the files took for granted, each with what overrides it.
    pub(crate) fn left_out(&self) -> Vec<(String, String)> {
        let assumptions = self.assumptions.iter();
        assumptions
            .map(|a| (a.text.clone(), a.flag.clone()))
            .collect()
    }

    /// Completes the host by what the captures and the user say.
    pub(crate) fn setup(
        self,
        survey: &Survey,
        overrides: &Overrides,
        config: Config,
    ) -> Result<Setup, Failure> {
        let rulesets: Vec<&Ruleset> = self.rulesets.iter().collect();
        let inferred = infer(&self.bundle, &rulesets, survey, overrides);
        let mut inferred = inferred.map_err(|e| unreadable(&e))?;
        inferred.assumptions.extend(self.assumptions);
        let facts = config
            .facts
            .iter()
            .map(|fact| Assumption::new(Subject::Facts, fact.text.clone(), "--assume"));
        inferred.assumptions.extend(facts);
        Ok(Setup {
            bundle: self.bundle,
            rulesets: self.rulesets,
            dumps: self.dumps,
            sets: self.sets,
            timeouts: self.timeouts,
            fingerprints: self.fingerprints,
            inferred,
            config,
        })
    }
}

/// What is taken for granted about a host that was set up before anyone looked at its captures, which show nothing that it
/// depends on: what a survey tells, and what else was known by then.
pub(crate) fn assumptions(
    setup: &Setup,
    survey: &Survey,
    overrides: &Overrides,
) -> Result<Vec<Assumption>, Failure> {
    let rulesets: Vec<&Ruleset> = setup.rulesets.iter().collect();
    let infer = |survey: &Survey| {
        let inferred = infer(&setup.bundle, &rulesets, survey, overrides);
        Ok::<_, Failure>(inferred.map_err(|e| unreadable(&e))?.assumptions)
    };
    let unseen = infer(&Survey::unseen())?.len();
    let mut taken = infer(survey)?;
    taken.extend(setup.inferred.assumptions.iter().skip(unseen).cloned());
    Ok(taken)
}

fn problem(name: &str, diagnostic: &Diagnostic) -> Problem {
    let chars = |count: u32| {
        let at = diagnostic.source.char_indices().nth(count as usize);
        at.map_or(diagnostic.source.len(), |(index, _)| index)
    };
    let start = diagnostic.column.saturating_sub(1);
    let expected = diagnostic.expected.as_ref();
    let problem = Problem::new(diagnostic.message.clone()).excerpt(Excerpt {
        name: name.to_owned(),
        line: diagnostic.line as usize,
        text: diagnostic.source.clone(),
        span: chars(start)..chars(start + diagnostic.length),
        label: expected.map_or_else(String::new, |e| format!("expected {e}")),
    });
    match &diagnostic.help {
        Some(help) => problem.help(help.clone()),
        None => problem,
    }
}

/// What a host that cannot be read means to its user.
pub(crate) fn unreadable(error: &BundleError) -> Failure {
    let hint = match error {
        BundleError::Io { name, source } if source.kind() == std::io::ErrorKind::NotFound => {
            suggest::near(Path::new(name))
        }
        BundleError::NoDump { name, .. } => suggest::below(Path::new(name), |file| {
            matches!(SourceKind::of_file_name(file), Some(SourceKind::Dump(_)))
        }),
        BundleError::NotRecognised {
            problem: NotRecognised::Binary(_),
            ..
        } => Some("the host comes first, then its captures".to_owned()),
        _ => None,
    };
    match hint {
        Some(hint) => Failure::with_help(error.to_string(), hint),
        None => Failure::new(error.to_string()),
    }
}

/// What the flags say about the host.
pub(crate) fn overrides(
    args: &inputs::Overrides,
    model: &Model,
    lenient: bool,
) -> Result<Overrides, Failure> {
    let local = args.local.iter().map(|text| text.parse::<LocalAddress>());
    let interface = args.iface.as_deref().map(InterfaceName::new);
    Ok(Overrides {
        local: local
            .collect::<Result<_, _>>()
            .map_err(|e| Failure::new(format!("--local: {e}")))?,
        interface: interface
            .transpose()
            .map_err(|e| Failure::new(format!("--iface: {e}")))?,
        direction: match args.direction {
            inputs::Direction::In => DirectionMode::In,
            inputs::Direction::Out => DirectionMode::Out,
            inputs::Direction::Auto => DirectionMode::Auto,
        },
        set: args.set.clone(),
        checksums: match model.checksums {
            inputs::Checksums::Verify => Checksums::Verify,
            inputs::Checksums::Trust => Checksums::Trust,
            inputs::Checksums::Auto => Checksums::Auto,
        },
        hz: model.hz,
        seed: model.seed,
        backend: model.backend.map(backend),
        lenient,
    })
}

fn backend(backend: inputs::Backend) -> Backend {
    match backend {
        inputs::Backend::Legacy => Backend::Legacy,
        inputs::Backend::Nft => Backend::Nft,
    }
}

/// The settings of the run.
pub(crate) fn config(model: &Model) -> Config {
    use netverdict_engine::Checksums as Engine;
    let default = Config::default();
    Config {
        seed: model.seed,
        hz: model.hz.unwrap_or(default.hz),
        checksums: match model.checksums {
            inputs::Checksums::Verify => Engine::Verify,
            inputs::Checksums::Trust => Engine::Trust,
            inputs::Checksums::Auto => Engine::Auto,
        },
        unknown: match model.unknown {
            inputs::Unknown::Match => UnknownPolicy::Match,
            inputs::Unknown::NoMatch | inputs::Unknown::Fail => UnknownPolicy::NoMatch,
        },
        backend: model.backend.map(backend),
        facts: Facts::new(model.assume.clone()),
        ..default
    }
}
