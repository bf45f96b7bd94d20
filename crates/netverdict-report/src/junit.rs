//! The report as JUnit XML: each flow a test of whether the model can answer for it.
//!
//! A firewall that drops is no failure: verdicts are what a suite of cases expects, not what a replay judges. A flow
//! fails where the answer cannot be relied on: it is UNKNOWN, or the capture contradicts it. What iptables does not see
//! is skipped. Warnings about a capture are errors of its suite.

use std::io::{self, Write};

use netverdict_capture::Summary;
use netverdict_replay::{Ends, Setup, Verdict};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::assemble::{device, direction};
use crate::flows::{Flow, Flows};
use crate::names::{Names, short};
use crate::text::count;

/// Writes the document: a suite a capture, a case a flow.
///
/// # Errors
/// The writer's.
pub fn write(
    setup: &Setup,
    captures: &[Summary],
    flows: &Flows,
    warnings: &[String],
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = Names::new(setup);
    let mut report = Report::new("netverdict replay");
    let mut host = TestSuite::new(setup.bundle.name.clone());
    for assumption in &setup.inferred.assumptions {
        host.add_property(Property::new(
            format!("assumption: {}", assumption.subject),
            assumption.to_string(),
        ));
    }
    for warning in warnings {
        host.add_test_case(warned(&setup.bundle.name, warning));
    }
    if flows.frames_omitted > 0 {
        host.add_test_case(warned(
            &setup.bundle.name,
            &format!(
                "{} frames of more flows are not listed",
                flows.frames_omitted
            ),
        ));
    }
    report.add_test_suite(host);
    for (index, capture) in captures.iter().enumerate() {
        let mut suite = TestSuite::new(capture.name.clone());
        for warning in &capture.warnings {
            suite.add_test_case(warned(&capture.name, &warning.to_string()));
        }
        let of_capture = flows.flows.iter().filter(|flow| flow.first.file == index);
        suite.add_test_cases(of_capture.map(|flow| case(flow, &capture.name, setup, &names)));
        report.add_test_suite(suite);
    }
    report.serialize(&mut *out).map_err(io::Error::other)?;
    out.write_all(b"\n")
}

/// A warning, so that it is not overlooked.
fn warned(name: &str, warning: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("warning").set_message(warning);
    let mut case = TestCase::new("warning", status);
    case.set_classname(name);
    case
}

fn case(flow: &Flow, capture: &str, setup: &Setup, names: &Names<'_>) -> TestCase {
    let interface = device(flow.interface).map(|name| format!(" {name}"));
    let what = flow.transport.as_ref().map_or_else(
        || flow.telling.cause.clone().unwrap_or_default(),
        |ends| format!("{} {}", ends.protocol, Ends(ends)),
    );
    let name = format!(
        "frame {}: {}{} {what}",
        flow.first.number,
        direction(flow.direction),
        interface.unwrap_or_default()
    );
    let by = by(flow, setup, names);
    let mut case = TestCase::new(name, status(flow, &by));
    case.set_classname(capture);
    let counts = Verdict::ALL.iter().filter(|v| flow.count(**v) > 0);
    let counts: Vec<_> = counts
        .map(|v| format!("{v} {}", count(flow.count(*v), "packet")))
        .collect();
    let nat = flow.nat.map(|nat| format!("\nleaves as {}", Ends(&nat)));
    case.set_system_out(format!(
        "{}\n{by}{}",
        counts.join(", "),
        nat.unwrap_or_default()
    ));
    case
}

fn by(flow: &Flow, setup: &Setup, names: &Names<'_>) -> String {
    let rule = flow.telling.rule.map(|rule| {
        let place = names.place(rule);
        let dump = setup
            .dump(rule.family)
            .map_or("?", |source| source.name.as_str());
        let line = place.line.map(|line| format!("{dump}:{line}: "));
        format!(
            "{}: {}{}",
            short(&place, setup.rulesets.len() > 1),
            line.unwrap_or_default(),
            names.text(rule)
        )
    });
    let parts = [rule, flow.telling.cause.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn status(flow: &Flow, by: &str) -> TestCaseStatus {
    let failure = |kind: &str, message: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(kind).set_message(message);
        status
    };
    let verdict = flow.telling.verdict;
    if let Some(first) = flow.contradictions.first() {
        return failure(
            "contradicted",
            format!("the capture contradicts the model: {first}"),
        );
    }
    if flow.count(Verdict::Unknown) > 0 {
        return failure(
            "UNKNOWN",
            format!(
                "{} cannot be decided: {by}",
                count(flow.count(Verdict::Unknown), "packet")
            ),
        );
    }
    if verdict == Verdict::Skipped {
        let mut status = TestCaseStatus::skipped();
        status.set_message(by);
        return status;
    }
    TestCaseStatus::success()
}
