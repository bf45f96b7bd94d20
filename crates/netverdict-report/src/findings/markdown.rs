//! Findings for a pull request.

use std::fmt;

use netverdict_audit::State;
use netverdict_lint::{Finding, Severity};

use super::Findings;

/// Findings as Markdown.
#[derive(Debug, Clone, Copy)]
pub struct Markdown<'r>(pub &'r Findings<'r>);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.0;
        writeln!(
            f,
            "## netverdict {}: {}",
            findings.command,
            findings.summary()
        )?;
        let mut rows = findings.shown().peekable();
        if rows.peek().is_some() {
            writeln!(f, "\n| | id | line | finding |\n| --- | --- | --- | --- |")?;
        }
        for finding in rows {
            let line = finding
                .place
                .line
                .map_or_else(String::new, |l| format!(":{l}"));
            let (file, id) = (&finding.place.file, finding.check.id);
            let mark = mark(finding);
            writeln!(
                f,
                "| {mark} | {id} | `{file}{line}` | {} |",
                cell(&finding.title)
            )?;
        }
        for finding in findings.shown() {
            details(f, finding)?;
        }
        if let Some(line) = findings.coverage_line() {
            writeln!(f, "\n**Coverage**: {line}")?;
        }
        if let Some(coverage) = findings.coverage {
            let idle = coverage
                .rules
                .iter()
                .filter(|r| r.state == State::NotExercised);
            let idle: Vec<_> = idle.collect();
            if !idle.is_empty() {
                writeln!(
                    f,
                    "\n<details><summary>{} not exercised</summary>\n\n```text",
                    super::plural(idle.len(), "rule")
                )?;
                for rule in idle {
                    let line = rule
                        .place
                        .line
                        .map_or_else(String::new, |l| format!("{l:>5}: "));
                    writeln!(f, "{line}{}", rule.place.excerpt())?;
                }
                writeln!(f, "```\n\n</details>")?;
            }
        }
        if !findings.assumptions.is_empty() {
            writeln!(f, "\n<details><summary>Assumptions</summary>\n")?;
            for (text, flag) in findings.assumptions {
                writeln!(f, "- {text} ({flag})")?;
            }
            writeln!(f, "\n</details>")?;
        }
        for warning in findings.warnings {
            writeln!(f, "\n> {warning}")?;
        }
        Ok(())
    }
}

fn details(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    let id = finding.check.id;
    writeln!(
        f,
        "\n<details><summary>{id}: {}</summary>\n",
        escaped(&finding.title)
    )?;
    writeln!(f, "```text")?;
    let places = finding.related.iter().map(|r| (&r.place, r.label.as_str()));
    for (place, label) in std::iter::once((&finding.place, finding.label.as_str())).chain(places) {
        let line = place
            .line
            .map_or_else(|| "    -".to_owned(), |l| format!("{l:>5}"));
        writeln!(f, "{line}: {}   <- {label}", place.excerpt())?;
    }
    writeln!(f, "```")?;
    if !finding.witnesses.is_empty() {
        writeln!(f)?;
    }
    for witness in &finding.witnesses {
        writeln!(
            f,
            "- `{}` frame {}: {}",
            witness.file, witness.n, witness.what
        )?;
    }
    writeln!(f, "\n{}", finding.explanation)?;
    if !finding.causes.is_empty() {
        writeln!(f, "\n{}\n", super::CAUSES)?;
    }
    for (cause, number) in finding.causes.iter().zip(1..) {
        writeln!(f, "{number}. {cause}")?;
    }
    if !finding.suggestion.is_empty() {
        writeln!(f, "\n**What to do**: {}", finding.suggestion)?;
    }
    if let Some(allowed) = &finding.allowed {
        writeln!(f, "\nAllowed by {}: {}", allowed.by, allowed.reason)?;
    }
    writeln!(f, "\n</details>")
}

fn mark(finding: &Finding) -> &'static str {
    match (&finding.allowed, finding.severity) {
        (Some(_), _) => "allowed",
        (None, Severity::Error) => "**error**",
        (None, Severity::Warning) => "warning",
        (None, Severity::Note) => "note",
    }
}

fn cell(text: &str) -> String {
    escaped(text).replace('|', "\\|")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
