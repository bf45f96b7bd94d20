//! What the cases said, for a pull request.

use std::fmt;

use netverdict_report::markdown::{code, escape};
use netverdict_report::text::count;

use crate::document::{Changes, Failure, Line, Report, Run, Said, Status, Unmet};
use crate::text::{decided, packet, place, summary};

/// How many lines of a difference are shown.
const LINES: usize = 100;

/// A report ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Markdown<'r>(pub &'r Report);

impl fmt::Display for Markdown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "## netverdict test: {}\n", summary(self.0))?;
        writeln!(f, "| | case | packets | flows | expectations |")?;
        writeln!(f, "| --- | --- | ---: | ---: | ---: |")?;
        for run in &self.0.runs {
            let word = match run.status {
                Status::Passed => "ok",
                Status::Failed => "**FAIL**",
                Status::Unreadable => "**ERROR**",
                Status::NotRun => "not run",
            };
            let name = code(&run.name);
            let (packets, flows) = (run.packets, run.flows);
            writeln!(
                f,
                "| {word} | {name} | {packets} | {flows} | {} |",
                run.expectations
            )?;
        }
        for run in &self.0.runs {
            details(f, run)?;
        }
        if !self.0.orphans.is_empty() {
            writeln!(f, "\n### Snapshots of no case\n")?;
            for orphan in &self.0.orphans {
                let removed = if orphan.removed { ", removed" } else { "" };
                writeln!(f, "- {}{removed}", code(&orphan.path))?;
            }
        }
        Ok(())
    }
}

fn details(f: &mut fmt::Formatter<'_>, run: &Run) -> fmt::Result {
    if run.failures.is_empty() && run.error.is_none() {
        return Ok(());
    }
    writeln!(f, "\n### {}", code(&run.name))?;
    if let Some(description) = &run.description {
        writeln!(f, "\n{}", escape(description))?;
    }
    if let Some(error) = &run.error {
        writeln!(f, "\n```text\n{}\n```", unfenced(error.trim_end()))?;
    }
    for failure in &run.failures {
        match failure {
            Failure::Expectation(unmet) => self::unmet(f, unmet)?,
            Failure::Snapshot(changes) => self::changes(f, changes)?,
        }
    }
    let failed = !run.failures.is_empty() && !run.assumptions.is_empty();
    if failed {
        writeln!(f, "\nAssumed:\n")?;
        for assumption in &run.assumptions {
            let (text, flag) = (escape(&assumption.text), code(&assumption.flag));
            writeln!(f, "- {text} ({flag})")?;
        }
    }
    Ok(())
}

fn unmet(f: &mut fmt::Formatter<'_>, unmet: &Unmet) -> fmt::Result {
    let file = code(&format!("{}:{}", unmet.file, unmet.line));
    writeln!(
        f,
        "\n**{}** ({file}): {}",
        escape(&unmet.title),
        escape(&unmet.problem)
    )?;
    if let Some(found) = &unmet.packet {
        writeln!(f, "\n{}", code(&packet(found)))?;
    }
    if unmet.expected.is_none() && unmet.actual.is_none() {
        return Ok(());
    }
    writeln!(f, "\n| | verdict | deciding rule | line of the dump |")?;
    writeln!(f, "| --- | --- | --- | --- |")?;
    for (word, said) in [("expected", &unmet.expected), ("actual", &unmet.actual)] {
        if let Some(said) = said {
            writeln!(f, "| {word} | {} |", said_of(said))?;
        }
    }
    Ok(())
}

fn said_of(said: &Said) -> String {
    let line = |line: &Line| format!("{} {}", escape(&place(line)), code(&line.text));
    let lines: Vec<_> = said.lines.iter().map(line).collect();
    let rule = said.rule.as_deref().map(escape).unwrap_or_default();
    format!(
        "{} | {rule} | {}",
        escape(&said.verdict),
        lines.join("<br>")
    )
}

fn changes(f: &mut fmt::Formatter<'_>, changes: &Changes) -> fmt::Result {
    let path = code(&changes.path);
    if changes.is_new {
        return writeln!(f, "\n**no snapshot** ({path})");
    }
    writeln!(
        f,
        "\n**the snapshot differs in {}** ({path})",
        count(changes.flows.len() as u64, "flow")
    )?;
    for change in changes.flows.iter().take(5) {
        writeln!(f, "\n- {}", code(&change.flow))?;
        for (word, facts) in [("expected", &change.expected), ("actual", &change.actual)] {
            for fact in facts {
                let text = format!("{} — {}", fact.text, decided(fact));
                writeln!(f, "  - {word}: {}", code(&text))?;
            }
        }
    }
    let lines: Vec<_> = changes.difference.lines().take(LINES).collect();
    let text = unfenced(&lines.join("\n"));
    writeln!(
        f,
        "\n<details><summary>Difference</summary>\n\n```diff\n{text}\n```\n\n</details>"
    )
}

/// A fence inside would end the block.
fn unfenced(text: &str) -> String {
    text.replace("```", "'''")
}
