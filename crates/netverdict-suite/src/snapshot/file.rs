//! Snapshots on disk, beside the case's file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where a run's snapshot is, and what it says.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) path: PathBuf,
    /// `None` if there is none yet.
    pub(crate) text: Option<String>,
}

/// What a run's verdicts are to its snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Same,
    Changed,
    New,
}

/// The file's name: `verdicts.snap`, or `verdicts@HOST.snap` where a case has several hosts.
pub(crate) fn name(host: Option<&str>) -> String {
    match host {
        None => "verdicts.snap".to_owned(),
        Some(host) => format!("verdicts@{host}.snap"),
    }
}

impl Stored {
    pub(crate) fn read(directory: &Path, host: Option<&str>) -> io::Result<Self> {
        let path = directory.join(name(host));
        let text = match fs::read_to_string(&path) {
            // A checkout may have turned line ends.
            Ok(text) => Some(text.replace("\r\n", "\n")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { path, text })
    }

    pub(crate) fn state(&self, now: &str) -> State {
        match &self.text {
            None => State::New,
            Some(text) if text == now => State::Same,
            Some(_) => State::Changed,
        }
    }

    /// Where verdicts wait that nobody has accepted.
    pub(crate) fn pending(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        name.into()
    }
}
