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
    for file in findings.files {
        let mut suite = TestSuite::new(file.clone());
        let here = findings.findings.iter().filter(|f| f.place.file == *file);
        for finding in here {
            suite.add_test_case(case(finding));
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

/// Notes and allowed findings are tests that were skipped.
fn case(finding: &Finding) -> TestCase {
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
            status.set_description(format!(
                "{}\n\n{}\n\n{}",
                finding.place.excerpt(),
                finding.explanation,
                finding.suggestion
            ));
            status
        }
    };
    let line = finding
        .place
        .line
        .map_or_else(String::new, |l| format!(" line {l}"));
    let mut case = TestCase::new(
        format!(
            "{} {} {}{line}",
            finding.check.id, finding.check.name, finding.place.part
        ),
        status,
    );
    case.set_classname(finding.check.name);
    case
}
