//! The comparison for a CI server: a failed test for each cause of change.

use netverdict_report::Palette;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

use crate::Text;
use crate::document::{Diff, Side};
use crate::text::{compared, packet, place, size};

/// The document.
///
/// # Errors
/// The text has characters that XML has no place for and that could not be left out.
pub fn junit(diff: &Diff) -> Result<String, SerializeError> {
    let mut report = Report::new("netverdict diff");
    let mut suite = TestSuite::new(format!("{} -> {}", diff.old.name, diff.new.name));
    for cause in &diff.causes {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        let title = format!("{}, {}", transition(&cause.old, &cause.new), size(cause));
        status.set_message(&title).set_type(cause.what.join(","));
        status.set_description(format!(
            "old  {}\nnew  {}\nfirst  {}\n",
            decider(&cause.old),
            decider(&cause.new),
            packet(&cause.first)
        ));
        let mut case = TestCase::new(title, status);
        case.set_classname("netverdict diff");
        suite.add_test_case(case);
    }
    if diff.causes.is_empty() {
        let mut case = TestCase::new("no packet changes", TestCaseStatus::success());
        case.set_classname("netverdict diff");
        case.set_system_out(compared(diff));
        suite.add_test_case(case);
    }
    suite.set_system_out(Text::new(diff, Palette::PLAIN).to_string());
    report.add_test_suite(suite);
    report.to_string()
}

fn transition(old: &Side, new: &Side) -> String {
    let word = |side: &Side| format!("{} {}", side.verdict, side.fate);
    if word(old) == word(new) {
        word(old)
    } else {
        format!("{} -> {}", word(old), word(new))
    }
}

fn decider(side: &Side) -> String {
    let rule = side
        .rule
        .as_ref()
        .map(|rule| format!("{}: {}", place(rule), rule.text));
    let reason = side.reason.clone();
    [rule, reason]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}
