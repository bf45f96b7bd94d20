//! What packagers run: completions and man pages, made from the same definitions.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::common::Common;

/// Prints a shell's completions
#[derive(Debug, Args)]
#[command(
    hide = true,
    after_help = "Examples:
  netverdict completions bash > /usr/share/bash-completion/completions/netverdict
  netverdict completions zsh > ~/.zfunc/_netverdict"
)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,

    #[command(flatten)]
    pub(crate) common: Common,
}

/// Writes the man pages into a directory
#[derive(Debug, Args)]
#[command(
    hide = true,
    after_help = "Examples:
  netverdict man /usr/local/share/man/man1"
)]
pub(crate) struct Man {
    /// Where to; made if it is not there
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,

    #[command(flatten)]
    pub(crate) common: Common,
}
