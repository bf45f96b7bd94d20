//! `netverdict extensions`.

use clap::{Args, ValueEnum};

use super::common::Printed;

/// Lists every match and target: how far it is modelled, what it does, and the facts that decide it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict extensions
  netverdict extensions --format json")]
pub(crate) struct Extensions {
    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// A table for a person
    #[default]
    Text,
    /// One document, schema netverdict.extensions/1
    Json,
    /// The page in docs
    Markdown,
}
