//! What is wrong in a case's file, with the place.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// One thing wrong in a `case.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CaseError {
    /// The file.
    pub path: String,
    /// Line and column, in letters, from 1.
    pub line: usize,
    pub column: usize,
    /// The line.
    pub excerpt: String,
    /// Bytes of the line at fault.
    pub span: Range<usize>,
    /// What is wrong.
    pub title: String,
    /// What was expected there.
    pub label: String,
    /// What may help.
    pub help: Option<String>,
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            column,
            title,
            label,
            ..
        } = self;
        write!(f, "{path}:{line}:{column}: {title}")?;
        if !label.is_empty() {
            write!(f, ": {label}")?;
        }
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

/// A file's name and text, to point at places in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'t> {
    pub(crate) path: &'t Path,
    pub(crate) text: &'t str,
}

impl Text<'_> {
    /// An error at these bytes of the file.
    pub(crate) fn error(
        &self,
        span: Range<usize>,
        title: impl Into<String>,
        label: impl Into<String>,
    ) -> Box<CaseError> {
        let start = floor(self.text, span.start);
        let before = self.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let source = self.text.get(line_start..).unwrap_or_default();
        let source = source.lines().next().unwrap_or_default();
        let from = (start - line_start).min(source.len());
        let to = (span.end.saturating_sub(line_start)).clamp(from, source.len());
        Box::new(CaseError {
            path: self.path.display().to_string(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |t| t.chars().count()) + 1,
            excerpt: source.to_owned(),
            span: from..floor(source, to).max(from),
            title: title.into(),
            label: label.into(),
            help: None,
        })
    }

    /// The line of a place, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        let before = self.text.get(..floor(self.text, at)).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

impl CaseError {
    pub(crate) fn help(mut self: Box<Self>, help: Option<String>) -> Box<Self> {
        self.help = help;
        self
    }
}

/// The nearest place at or before `at` where a letter begins.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at)
        .rev()
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(0)
}

/// The known word that is nearest to one that is not known, if one is near.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let scored = known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(word, k), k));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.8).then_some(best.1)
}

pub(crate) fn did_you_mean<'w>(
    word: &str,
    known: impl IntoIterator<Item = &'w str>,
) -> Option<String> {
    nearest(word, known).map(|known| format!("did you mean `{known}`?"))
}
