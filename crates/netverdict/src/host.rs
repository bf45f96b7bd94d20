//! From the arguments that name a host to a [`Setup`], and every way in which that can fail.

use netverdict_bundle::{
    Assumption, Bundle, BundleError, Checksums, DirectionMode, LocalAddress, Overrides, SourceId,
    SourceKind, Subject, Survey, infer,
};
use netverdict_engine::{Config, UnknownPolicy};
use netverdict_net::InterfaceName;
use netverdict_replay::Setup;
use netverdict_ruleset::{Backend, Ruleset};
use netverdict_syntax::{Diagnostic, ParseOptions, parse_dump};

use crate::args::inputs::{self, Host, Model};
use crate::error::{Excerpt, Failure, Problem};

/// A host's files and the rules in them.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) bundle: Bundle,
    pub(crate) rulesets: Vec<Ruleset>,
    /// The file of each ruleset.
    pub(crate) dumps: Vec<SourceId>,
    /// Lines left out because the user said so.
    left_out: Vec<Assumption>,
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
    let mut rules = Rules {
        bundle: Bundle::default(),
        rulesets: Vec::new(),
        dumps: Vec::new(),
        left_out: Vec::new(),
        warnings: Vec::new(),
    };
    let mut problems = Vec::new();
    for (source, id) in bundle.sources.iter().zip((0..).map(SourceId)) {
        let SourceKind::Dump(family) = source.kind else {
            continue;
        };
        let options = ParseOptions {
            family: Some(family),
        };
        let dump = parse_dump(&source.bytes, &options);
        for diagnostic in &dump.diagnostics {
            match (diagnostic.is_error(), lenient) {
                (true, false) => problems.push(problem(&source.name, diagnostic)),
                (true, true) => rules.left_out.push(left_out(&source.name, diagnostic)),
                (false, _) => rules
                    .warnings
                    .push(format!("{}: {diagnostic}", source.name)),
            }
        }
        for read in dump.rulesets {
            rules.rulesets.push(read.ruleset);
            rules.dumps.push(id);
        }
    }
    lines_left_out(&bundle, lenient, &mut problems, &mut rules.left_out);
    if let Some(last) = problems.pop() {
        problems.push(last.help("--lenient leaves such lines out"));
        return Err(Failure::Problems(problems));
    }
    rules.sort();
    rules.bundle = bundle;
    Ok(rules)
}

impl Rules {
    /// IPv4 first.
    fn sort(&mut self) {
        let mut both: Vec<_> = self.rulesets.drain(..).zip(self.dumps.drain(..)).collect();
        both.sort_by_key(|(ruleset, _)| ruleset.family);
        (self.rulesets, self.dumps) = both.into_iter().unzip();
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
        inferred.assumptions.extend(self.left_out);
        Ok(Setup {
            bundle: self.bundle,
            rulesets: self.rulesets,
            dumps: self.dumps,
            inferred,
            config,
        })
    }
}

/// Lines of the other files, where a bad line spoils only itself.
fn lines_left_out(
    bundle: &Bundle,
    lenient: bool,
    problems: &mut Vec<Problem>,
    left_out: &mut Vec<Assumption>,
) {
    for error in &bundle.line_errors {
        let name = bundle
            .source_of(error.source)
            .map_or("?", |s| s.name.as_str());
        let text = format!("{name}: line {}: {}", error.line, error.problem);
        if lenient {
            left_out.push(Assumption::new(
                Subject::LeftOut,
                format!("left out: {text}"),
                "without --lenient",
            ));
        } else {
            problems.push(Problem::new(text));
        }
    }
}

fn left_out(name: &str, diagnostic: &Diagnostic) -> Assumption {
    Assumption::new(
        Subject::LeftOut,
        format!(
            "left out: {name}: {diagnostic}: {}",
            diagnostic.source.trim()
        ),
        "without --lenient",
    )
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
    Failure::new(error.to_string())
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
        ..default
    }
}
