//! Options that every command has.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::number::number;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Common {
    /// Write to FILE instead of standard output
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Worker threads; the output is the same at any number [default: one for each processor]
    #[arg(long, value_name = "N", value_parser = number::<NonZeroUsize>("a number from 1 up"))]
    pub(crate) threads: Option<NonZeroUsize>,

    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: Color,

    /// Nothing but the output and errors: no progress bar, no warnings on standard error
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Defaults for options [default: netverdict.toml in the working directory or the nearest one above it]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Read no file of defaults
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_config: bool,
}

/// What a command prints, and the options that every command has.
#[derive(Debug, Clone, Args)]
pub(crate) struct Printed<F: ValueEnum + Clone + Default + Send + Sync + 'static> {
    /// What to print
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Output"
    )]
    pub(crate) format: F,

    #[command(flatten)]
    pub(crate) common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal that shows them, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}
