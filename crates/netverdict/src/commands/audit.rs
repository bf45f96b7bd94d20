//! `netverdict audit`.

use netverdict_audit::{Auditor, Before, Places, coverage, subject, unexercised, unexplained};
use netverdict_lint::allow::{self, FailOn};
use netverdict_lint::{lint, settle};
use netverdict_replay::{Options, Session, survey};
use netverdict_report::findings::Findings;
use netverdict_report::lcov;

use super::lint::{FAIL_ON, code, write};
use super::replay::failed;
use crate::args::audit::{Audit, Format};
use crate::args::inputs::{Host, Unknown};
use crate::args::lint::Format as Shared;
use crate::captures::{self, Sources};
use crate::error::Failure;
use crate::output::Output;
use crate::progress::Bar;
use crate::{config, exit, host};

pub(crate) fn run(args: &Audit) -> Result<u8, Failure> {
    let sources = Sources::new(&args.captures, &args.host.host)?;
    let rules = host::read(&args.host)?;
    let before = args.before.as_ref().map(|path| {
        host::read(&Host {
            host: path.clone(),
            also: Vec::new(),
            lenient: args.host.lenient,
        })
    });
    let before = before.transpose()?;
    let overrides = host::overrides(&args.overrides, &args.model, args.host.lenient)?;
    let mut warnings = rules.warnings.clone();
    let left_out = sources.left_out.iter();
    warnings.extend(left_out.map(|name| format!("{name}: no capture, left out")));
    let (survey, frames) = survey(sources.open()?).map_err(|e| failed(&e, None))?;
    let setup = rules.setup(&survey, &overrides, host::config(&args.model))?;
    let options = Options {
        fail_on_unknown: args.model.unknown == Unknown::Fail,
        ..Options::default()
    };
    let bar = Bar::new(&args.printed.common, Some(frames));
    let mut session = Session::new(&setup, options);
    let mut auditor = Auditor::default();
    let ran = session.run(sources.open()?, &mut auditor, &mut (), &|p| bar.advance(p));
    bar.finish();
    ran.map_err(|e| failed(&e, Some(&setup)))?;

    let subject = subject(&setup);
    let places = Places { subject: &subject };
    let review = lint(&subject);
    let totals = session.totals();
    let coverage = coverage(&subject, &totals, Some(&review));
    let before = before.as_ref().map(|rules| Before {
        rulesets: &rules.rulesets,
    });
    let mut findings = auditor.findings(&places, session.captures());
    findings.extend(unexplained(&places, &totals, before, session.captures()));
    findings.extend(review.findings);
    if args.unexercised {
        findings.extend(unexercised(&coverage));
    }
    settle(&mut findings);
    allow::apply(&mut findings, &subject, &config::surroundings().allowed);
    let captures = session.captures();
    let of_captures = captures
        .iter()
        .flat_map(|c| c.warnings.iter().map(|w| format!("{}: {w}", c.name)));
    warnings.extend(of_captures.chain(session.warnings()));
    let assumptions = setup.inferred.assumptions.iter();
    let assumptions: Vec<_> = assumptions
        .map(|a| (a.text.clone(), a.flag.clone()))
        .collect();
    let files: Vec<String> = subject.dumps.iter().map(|d| d.file.clone()).collect();
    let names: Vec<String> = captures.iter().map(|c| c.name.clone()).collect();
    let report = Findings {
        command: "audit",
        version: env!("CARGO_PKG_VERSION"),
        host: &setup.bundle.name,
        files: &files,
        captures: &names,
        findings: &findings,
        assumptions: &assumptions,
        warnings: &warnings,
        coverage: Some(&coverage),
        min_coverage: args.min_coverage,
        show_allowed: args.findings.show_allowed,
    };
    let mut output = Output::open(&args.printed.common)?;
    match shared(args.printed.format) {
        Some(format) => write(&report, format, &mut output)?,
        None => lcov::write(&coverage, &mut output).map_err(|error| output.failure(&error))?,
    }
    output.finish()?;
    captures::refuse_damaged(captures)?;
    let enough = args
        .min_coverage
        .is_none_or(|least| coverage.percent() >= least);
    let fail_on = args.findings.fail_on.map_or(FAIL_ON, FailOn::from);
    Ok(if enough {
        code(&report, fail_on)
    } else {
        exit::FOUND
    })
}

/// The format as lint has it.
const fn shared(format: Format) -> Option<Shared> {
    Some(match format {
        Format::Text => Shared::Text,
        Format::Json => Shared::Json,
        Format::Markdown => Shared::Markdown,
        Format::Junit => Shared::Junit,
        Format::Sarif => Shared::Sarif,
        Format::Lcov => return None,
    })
}
