//! Findings for a CI server: a test for each file and kind, failed once for each finding.

use netverdict_lint::{Finding, Severity};
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::Findings;

/// The report's XML.
///
/// # Errors
/// The text holds what XML cannot.
pub fn write(findings: &Findings<'_>) -> Result<String, SerializeError> {
    let mut report = Report::new(format!("netverdict {}", findings.command));
    for file in files(findings) {
        let mut suite = TestSuite::new(file);
        let here = findings.findings.iter().filter(|f| f.place.file == file);
        let mut names: Vec<String> = Vec::new();
        for finding in here {
            let name = name(finding);
            let count = names.iter().filter(|n| **n == name).count();
            // Readers take two tests of one name for one.
            let unique = match count {
                0 => name.clone(),
                more => format!("{name} ({})", more + 1),
            };
            names.push(name);
            suite.add_test_case(case(finding, unique));
        }
        if suite.test_cases.is_empty() {
            suite.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
        }
        report.add_test_suite(suite);
    }
    if let Some(line) = findings.coverage_line() {
        let mut suite = TestSuite::new("coverage");
        let met = findings.coverage.zip(findings.min_coverage);
        let status = if met.is_none_or(|(coverage, least)| coverage.percent() >= least) {
            TestCaseStatus::success()
        } else {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(line.clone());
            status
        };
        suite.add_test_case(TestCase::new(line, status));
        report.add_test_suite(suite);
    }
    report.to_string()
}

/// The dumps, and what else findings are about: a configuration file that allows what is not there.
fn files<'f>(findings: &'f Findings<'_>) -> Vec<&'f str> {
    let mut files: Vec<&str> = findings.files.iter().map(String::as_str).collect();
    for finding in findings.findings {
        if !files.contains(&finding.place.file.as_str()) {
            files.push(&finding.place.file);
        }
    }
    files
}

/// Notes and allowed findings are tests that were skipped.
fn case(finding: &Finding, name: String) -> TestCase {
    let status = match (&finding.allowed, finding.severity) {
        (Some(allowed), _) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("allowed by {}: {}", allowed.by, allowed.reason));
            status
        }
        (None, Severity::Note) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(finding.title.clone());
            status
        }
        (None, severity) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(finding.title.clone());
            status.set_type(severity.name());
            status.set_description(description(finding));
            status
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(finding.check.name);
    case
}

/// `NV101 covered-rule filter INPUT 3 line 24`.
fn name(finding: &Finding) -> String {
    let line = finding
        .place
        .line
        .map_or_else(String::new, |l| format!(" line {l}"));
    let (id, name) = (finding.check.id, finding.check.name);
    format!("{id} {name} {}{line}", finding.place.part)
}

fn description(finding: &Finding) -> String {
    let witnesses = finding.witnesses.iter();
    let witnesses = witnesses.map(|w| format!("{} frame {}: {}", w.file, w.n, w.what));
    let causes = finding.causes.iter().zip(1..);
    let causes = causes.map(|(cause, number)| format!("{number}. {cause}"));
    let heading = (!finding.causes.is_empty()).then(|| super::CAUSES.to_owned());
    let parts = [
        finding.place.excerpt().to_owned(),
        witnesses.collect::<Vec<_>>().join("\n"),
        finding.explanation.clone(),
        heading
            .into_iter()
            .chain(causes)
            .collect::<Vec<_>>()
            .join("\n"),
        finding.suggestion.clone(),
    ];
    let parts: Vec<_> = parts.into_iter().filter(|p| !p.is_empty()).collect();
    parts.join("\n\n")
}
