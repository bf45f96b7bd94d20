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
    /// A bar for so many frames; where nobody counted them it only says how many are done.
    pub(crate) fn new(common: &Common, frames: Option<u64>) -> Self {
        let is_long = frames.is_none_or(|frames| frames >= ENOUGH);
        let is_wanted = !common.quiet && is_long && std::io::stderr().is_terminal();
        Self(is_wanted.then(|| {
            let style = ProgressStyle::with_template(match frames {
                Some(_) => "{bar:40.cyan/dim} {pos}/{len} frames, {per_sec}, {eta} left",
                None => "{spinner:.cyan} {pos} frames, {per_sec}",
            });
            ProgressBar::with_draw_target(frames, ProgressDrawTarget::stderr())
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }))
    }

    /// Moves it on.
    pub(crate) fn advance(&self, progress: Progress) {
        if let Some(bar) = &self.0
            && (bar.length().is_some() || progress.frames >= ENOUGH)
        {
            bar.set_position(progress.frames);
        }
    }

    /// Moves it on by so many frames.
    pub(crate) fn add(&self, frames: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(frames);
        }
    }

    /// Takes it off the screen.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
