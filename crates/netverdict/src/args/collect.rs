//! `netverdict collect`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::Printed;

/// Prints the shell script that gathers a bundle on a live host
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict collect > collect.sh
  netverdict collect | ssh root@firewall sh -s -- /tmp/bundle
  sudo netverdict collect --run bundle/")]
pub(crate) struct Collect {
    /// Run the script here, gathering into DIR
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// The script
    #[default]
    Text,
}
