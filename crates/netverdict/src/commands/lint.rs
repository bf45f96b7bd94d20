//! `netverdict lint`.

use std::io::Write;

use netverdict_bundle::{Overrides, Survey};
use netverdict_engine::Config;
use netverdict_lint::allow::{self, FailOn};
use netverdict_lint::{CATALOGUE, Subject, catalogue, lint};
use netverdict_report::findings::markdown::Markdown;
use netverdict_report::findings::text::Text;
use netverdict_report::findings::{Findings, json, junit, sarif};
use netverdict_ruleset::text;
use netverdict_syntax::closest;

use crate::args::inputs::Host;
use crate::args::lint::{Format, Lint};
use crate::error::Failure;
use crate::output::Output;
use crate::{config, exit, host};

/// What makes lint and audit end in 1 where nobody says otherwise.
pub(crate) const FAIL_ON: FailOn = FailOn::Warning;

pub(crate) fn run(args: &Lint) -> Result<u8, Failure> {
    let (None, Some(path)) = (&args.explain, &args.host) else {
        return explain(args);
    };
    let rules = host::read(&Host {
        host: path.clone(),
        also: args.also.clone(),
        lenient: args.lenient,
    })?;
    let warnings = rules.warnings.clone();
    let overrides = Overrides {
        lenient: args.lenient,
        ..Overrides::default()
    };
    let left_out = rules.left_out();
    let setup = rules.setup(&Survey::default(), &overrides, Config::default())?;
    let subject = Subject::new(
        &setup.bundle,
        &setup.rulesets,
        &setup.dumps,
        setup.sets.as_ref(),
        &setup.inferred.host,
    );
    let mut findings = lint(&subject).findings;
    allow::apply(&mut findings, &subject, &config::surroundings().allowed);
    let files: Vec<String> = subject.dumps.iter().map(|d| d.file.clone()).collect();
    let report = Findings {
        command: "lint",
        version: env!("CARGO_PKG_VERSION"),
        host: &setup.bundle.name,
        files: &files,
        captures: &[],
        findings: &findings,
        assumptions: &left_out,
        warnings: &warnings,
        coverage: None,
        min_coverage: None,
        show_allowed: args.findings.show_allowed,
    };
    let mut output = Output::open(&args.printed.common)?;
    write(&report, args.printed.format, &mut output)?;
    output.finish()?;
    let fail_on = args.findings.fail_on.map_or(FAIL_ON, FailOn::from);
    Ok(code(&report, fail_on))
}

/// What the command ends in.
pub(crate) fn code(report: &Findings<'_>, fail_on: FailOn) -> u8 {
    if report.standing().any(|f| fail_on.fails(f.severity)) {
        exit::FOUND
    } else {
        exit::DONE
    }
}

/// Writes findings in a format that both commands have.
pub(crate) fn write(
    report: &Findings<'_>,
    format: Format,
    output: &mut Output,
) -> Result<(), Failure> {
    let written = match format {
        Format::Text => {
            let colours = output.has_colours();
            let document = Text {
                findings: report,
                colours,
            };
            output.write_all(&text::encode(&document.to_string()))
        }
        Format::Json => json::write(report, output),
        Format::Markdown => output.write_all(&text::encode(&Markdown(report).to_string())),
        Format::Junit => {
            let xml = junit::write(report).map_err(|e| Failure::new(e.to_string()))?;
            output.write_all(xml.as_bytes())
        }
        Format::Sarif => sarif::write(report, output),
    };
    written.map_err(|error| output.failure(&error))
}

/// Prints the page of a finding, or the list of all.
fn explain(args: &Lint) -> Result<u8, Failure> {
    let id = args.explain.as_deref().unwrap_or_default();
    let text = if id.is_empty() {
        let line = |c: &&catalogue::Check| {
            format!("{} {:7} {:28} {}\n", c.id, c.severity, c.name, c.summary)
        };
        CATALOGUE.iter().map(line).collect()
    } else {
        let Some(check) = catalogue::find(id) else {
            let known = CATALOGUE.iter().flat_map(|c| [c.id, c.name]);
            let help = match closest(&id.to_ascii_uppercase(), known.clone()).or(closest(id, known))
            {
                Some(known) => {
                    format!("did you mean {known}? `netverdict lint --explain` lists all")
                }
                None => "`netverdict lint --explain` lists all".to_owned(),
            };
            return Err(Failure::with_help(
                format!("--explain: there is no finding `{id}`"),
                help,
            ));
        };
        check.page.to_owned()
    };
    let mut output = Output::open(&args.printed.common)?;
    let written = output.write_all(text.as_bytes());
    written.map_err(|error| output.failure(&error))?;
    output.finish()?;
    Ok(exit::DONE)
}
