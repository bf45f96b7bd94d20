//! What goes wrong, as its user sees it: one message, the place in the text where there is one, and what helps.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{exit, suggest};

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of standard output went away: nothing to say.
    BrokenPipe,
    /// The user can put it right.
    Problems(Vec<Problem>),
}

/// One thing wrong with the inputs.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) title: String,
    pub(crate) excerpt: Option<Excerpt>,
    pub(crate) help: Vec<String>,
}

/// A line of an input with the part at fault.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    /// The input's name: a path, `-`, `--send`.
    pub(crate) name: String,
    /// The line's number, from 1.
    pub(crate) line: usize,
    /// The line.
    pub(crate) text: String,
    /// Bytes of the line at fault.
    pub(crate) span: Range<usize>,
    /// What was expected there.
    pub(crate) label: String,
}

impl Problem {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            excerpt: None,
            help: Vec::new(),
        }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    #[must_use]
    pub(crate) fn excerpt(mut self, excerpt: Excerpt) -> Self {
        self.excerpt = Some(excerpt);
        self
    }

    /// The message as rustc would print one.
    fn render(&self, renderer: &Renderer) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.title.as_str()));
        if let Some(excerpt) = &self.excerpt {
            group = group.element(excerpt.snippet());
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl Excerpt {
    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let end = self.span.end.min(self.text.len());
        let start = self.span.start.min(end);
        Snippet::source(self.text.as_str())
            .line_start(self.line)
            .path(self.name.as_str())
            .annotation(
                AnnotationKind::Primary
                    .span(start..end)
                    .label(self.label.as_str()),
            )
    }
}

impl Failure {
    /// One problem.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self::Problems(vec![Problem::new(title)])
    }

    /// One problem with a hint.
    pub(crate) fn with_help(title: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Problems(vec![Problem::new(title).help(help)])
    }

    /// The system refused something.
    pub(crate) fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        let title = format!("cannot {action} {}: {}", path.display(), plain(error));
        let hint = (error.kind() == io::ErrorKind::NotFound).then(|| suggest::near(path));
        match hint.flatten() {
            Some(hint) => Self::with_help(title, hint),
            None => Self::new(title),
        }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::BrokenPipe => exit::DONE,
            Self::Problems(_) => exit::UNUSABLE,
        }
    }

    /// The text for standard error, empty for a broken pipe.
    pub(crate) fn render(&self, colours: bool) -> String {
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        match self {
            Self::BrokenPipe => String::new(),
            Self::Problems(problems) => {
                let texts: Vec<_> = problems.iter().map(|p| p.render(&renderer)).collect();
                texts.join("\n\n") + "\n"
            }
        }
    }
}

/// The system's words without its error number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().chain(letters).collect())
        .unwrap_or_default()
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problems(vec![problem])
    }
}
