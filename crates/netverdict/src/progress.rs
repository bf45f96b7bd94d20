//! The progress bar: on a terminal, when there is enough to do.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use netverdict_replay::Progress;

use crate::args::common::Common;

/// Fewer frames than this are done before a bar could be read.
const ENOUGH: u64 = 200_000;

/// A bar, shown or not.
#[derive(Debug)]
pub(crate) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar for so many frames.
    pub(crate) fn new(common: &Common, frames: u64) -> Self {
        let is_wanted = !common.quiet && frames >= ENOUGH && std::io::stderr().is_terminal();
        Self(is_wanted.then(|| {
            let style = ProgressStyle::with_template(
                "{bar:40.cyan/dim} {pos}/{len} frames, {per_sec}, {eta} left",
            );
            ProgressBar::with_draw_target(Some(frames), ProgressDrawTarget::stderr())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }))
    }

    /// Moves it on.
    pub(crate) fn advance(&self, progress: Progress) {
        if let Some(bar) = &self.0 {
            bar.set_position(progress.frames);
        }
    }

    /// Takes it off the screen.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
