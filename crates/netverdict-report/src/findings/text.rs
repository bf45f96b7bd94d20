//! Findings for a person, each with the lines that it is about.

use std::fmt::{self, Write as _};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use netverdict_lint::{Finding, Place, Severity};

use super::Findings;

/// Findings as a compiler would print them.
#[derive(Debug, Clone, Copy)]
pub struct Text<'r> {
    pub findings: &'r Findings<'r>,
    pub colours: bool,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = if self.colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        for finding in self.findings.shown() {
            writeln!(f, "{}\n", render(finding, &renderer))?;
        }
        if let Some(line) = self.findings.coverage_line() {
            writeln!(f, "coverage: {line}")?;
        }
        for (assumption, flag) in self.findings.assumptions {
            writeln!(f, "assumed: {assumption} ({flag})")?;
        }
        for warning in self.findings.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        writeln!(f, "{}: {}", self.findings.host, self.findings.summary())?;
        if self.findings.shown().next().is_some() {
            writeln!(
                f,
                "`netverdict lint --explain ID` says more about a finding and how to allow it"
            )?;
        }
        Ok(())
    }
}

fn render(finding: &Finding, renderer: &Renderer) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level
        .primary_title(finding.title.as_str())
        .id(finding.check.id);
    let primary = snippet(&finding.place, &finding.label, AnnotationKind::Primary);
    let mut group = Group::with_title(title).element(primary);
    for related in &finding.related {
        group = group.element(snippet(
            &related.place,
            &related.label,
            AnnotationKind::Context,
        ));
    }
    let mut notes: Vec<String> = Vec::new();
    for witness in &finding.witnesses {
        notes.push(format!(
            "{} frame {}, {}",
            witness.file, witness.n, witness.what
        ));
    }
    notes.push(finding.explanation.clone());
    if !finding.causes.is_empty() {
        let mut text = super::CAUSES.to_lowercase();
        for (cause, number) in finding.causes.iter().zip(1..) {
            // A text of its own takes any words.
            let _ = write!(text, "\n{number}. {cause}");
        }
        notes.push(text);
    }
    if let Some(allowed) = &finding.allowed {
        notes.push(format!("allowed by {}: {}", allowed.by, allowed.reason));
    }
    for note in notes.iter().filter(|n| !n.is_empty()) {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if !finding.suggestion.is_empty() {
        group = group.element(Level::HELP.message(finding.suggestion.as_str()));
    }
    renderer.render(&[group])
}

fn snippet<'p>(
    place: &'p Place,
    label: &'p str,
    kind: AnnotationKind,
) -> Snippet<'p, annotate_snippets::Annotation<'p>> {
    let at = |column: u32| {
        let mut chars = place.text.char_indices();
        chars
            .nth(column as usize)
            .map_or(place.text.len(), |(at, _)| at)
    };
    let span = at(place.columns.0.saturating_sub(1))..at(place.columns.1);
    Snippet::source(place.text.as_str())
        .line_start(place.line.unwrap_or(1) as usize)
        .path(place.file.as_str())
        .annotation(kind.span(span).label(label))
}
