//! The few styles that reports use.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// Styles for a terminal, or none for everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    pub heading: Style,
    pub good: Style,
    pub bad: Style,
    pub odd: Style,
    pub faint: Style,
    pub name: Style,
}

impl Palette {
    /// No styles.
    pub const PLAIN: Self = Self {
        heading: Style::new(),
        good: Style::new(),
        bad: Style::new(),
        odd: Style::new(),
        faint: Style::new(),
        name: Style::new(),
    };

    /// Colours of any terminal.
    pub const COLOURS: Self = Self {
        heading: Style::new().bold(),
        good: AnsiColor::Green.on_default(),
        bad: AnsiColor::Red.on_default(),
        odd: AnsiColor::Yellow.on_default(),
        faint: Style::new().dimmed(),
        name: AnsiColor::Cyan.on_default(),
    };

    /// The style of a verdict.
    pub fn verdict(&self, verdict: &str) -> Style {
        match verdict {
            "ACCEPT" => self.good,
            "DROP" | "REJECT" => self.bad,
            "SKIPPED" => self.faint,
            _ => self.odd,
        }
    }
}

/// A text in a style.
#[derive(Debug, Clone, Copy)]
pub struct Styled<T>(pub Style, pub T);

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, text) = self;
        write!(f, "{style}{text}{style:#}")
    }
}
