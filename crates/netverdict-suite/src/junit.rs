//! What the cases said, for a CI server: a test for each run.

use netverdict_report::Palette;
use netverdict_report::text::count;
use quick_junit::{
    NonSuccessKind, Report as Junit, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use crate::Text;
use crate::document::{Failure, Report, Run, Status};

/// The document.
///
/// # Errors
/// The text has characters that XML has no place for and that could not be left out.
pub fn junit(report: &Report) -> Result<String, SerializeError> {
    let mut junit = Junit::new("netverdict test");
    let mut suite = TestSuite::new("netverdict");
    for run in &report.runs {
        let mut case = TestCase::new(&run.name, status(run, report));
        case.set_classname(class(run));
        if !run.warnings.is_empty() {
            case.set_system_err(run.warnings.join("\n"));
        }
        suite.add_test_case(case);
    }
    for orphan in report.orphans.iter().filter(|o| !o.removed) {
        let mut status = if report.ci {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        } else {
            TestCaseStatus::skipped()
        };
        status.set_message("a snapshot of no case: --accept removes it");
        let mut case = TestCase::new(&orphan.path, status);
        case.set_classname("orphaned snapshots");
        suite.add_test_case(case);
    }
    junit.add_test_suite(suite);
    junit.to_string()
}

/// The folders in front of a run's name, which viewers group by.
fn class(run: &Run) -> &str {
    run.name
        .rsplit_once('/')
        .map_or("cases", |(folders, _)| folders)
}

fn status(run: &Run, report: &Report) -> TestCaseStatus {
    let mut status = match run.status {
        Status::Passed => return TestCaseStatus::success(),
        Status::NotRun => return TestCaseStatus::skipped(),
        Status::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Unreadable => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let titles = run.failures.iter().map(|failure| match failure {
        Failure::Expectation(unmet) => format!("{}: {}", unmet.title, unmet.problem),
        Failure::Snapshot(changes) if changes.is_new => "no snapshot".to_owned(),
        Failure::Snapshot(changes) => {
            format!(
                "the snapshot differs in {}",
                count(changes.flows.len() as u64, "flow")
            )
        }
    });
    let error = run.error.as_deref().and_then(|error| error.lines().next());
    let titles: Vec<_> = titles.chain(error.map(str::to_owned)).collect();
    status.set_message(titles.join("; "));
    status.set_type(match run.status {
        Status::Unreadable => "unreadable",
        _ => "verdict",
    });
    let alone = Report {
        runs: vec![run.clone()],
        orphans: Vec::new(),
        shuffle: None,
        ..report.clone()
    };
    status.set_description(Text::new(&alone, Palette::PLAIN).details_only());
    status
}
