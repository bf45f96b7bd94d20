//! `netverdict test --review`: one changed snapshot at a time.

use std::io::{self, BufRead, IsTerminal, Write};

use netverdict_report::Palette;
use netverdict_suite::{Decision, Question, difference};

use crate::args::common::Common;
use crate::error::Failure;

/// A review needs somebody to ask.
pub(super) fn refuse_without_terminal() -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        return Ok(());
    }
    Err(Failure::with_help(
        "--review asks on a terminal, and this is none",
        "--accept takes all new and changed snapshots without asking",
    ))
}

/// A review on its way.
#[derive(Debug)]
pub(super) struct Review {
    palette: Palette,
    /// What is done with the rest, once that is said.
    rest: Option<Decision>,
}

impl Review {
    pub(super) fn new(common: &Common) -> Self {
        let choice = match common.color.into() {
            anstream::ColorChoice::Auto => anstream::AutoStream::choice(&io::stderr()),
            choice => choice,
        };
        let palette = match choice {
            anstream::ColorChoice::Never => Palette::PLAIN,
            _ => Palette::COLOURS,
        };
        Self {
            palette,
            rest: None,
        }
    }

    /// Shows a change and asks.
    pub(super) fn ask(&mut self, question: Question<'_>) -> Decision {
        if let Some(decision) = self.rest {
            return decision;
        }
        let shown = self.show(question);
        let answer = shown.and_then(|()| self.answer());
        // Nobody is there to answer if this fails.
        answer.unwrap_or_else(|_| self.skip_rest())
    }

    fn show(&self, question: Question<'_>) -> io::Result<()> {
        let mut stderr = anstream::stderr().lock();
        let changes = question.changes;
        let what = if changes.is_new { "new" } else { "changed" };
        writeln!(
            stderr,
            "\n{}: {what} snapshot {}\n",
            question.run, changes.path
        )?;
        if changes.is_new {
            let lines: Vec<_> = question.verdicts.lines().map(|l| format!("+{l}")).collect();
            let text = lines.join("\n");
            write!(stderr, "{}", difference(&text, self.palette))
        } else {
            write!(stderr, "{}", difference(&changes.difference, self.palette))
        }
    }

    fn answer(&mut self) -> io::Result<Decision> {
        loop {
            let mut stderr = anstream::stderr().lock();
            write!(
                stderr,
                "\n[a]ccept, [s]kip, accept a[l]l that are left, [q]uit? "
            )?;
            stderr.flush()?;
            let mut line = String::new();
            if io::stdin().lock().read_line(&mut line)? == 0 {
                return Ok(self.skip_rest());
            }
            match line.trim() {
                "a" | "accept" => return Ok(Decision::Accept),
                "s" | "skip" => return Ok(Decision::Untouched),
                "l" | "all" => {
                    self.rest = Some(Decision::Accept);
                    return Ok(Decision::Accept);
                }
                "q" | "quit" => return Ok(self.skip_rest()),
                _ => {}
            }
        }
    }

    fn skip_rest(&mut self) -> Decision {
        self.rest = Some(Decision::Untouched);
        Decision::Untouched
    }
}
