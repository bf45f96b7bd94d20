//! What can go wrong in a measurement.

use std::io;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{command} cannot be started: {source}")]
    Start { command: String, source: io::Error },
    #[error("{command} ended with {status}: {said}")]
    Failed {
        command: String,
        status: std::process::ExitStatus,
        said: String,
    },
    #[error("{0}")]
    Other(String),
}

impl Error {
    pub(crate) fn other(text: impl Into<String>) -> Self {
        Self::Other(text.into())
    }
}
