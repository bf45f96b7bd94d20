//! Why a host's files could not be read.

use std::io;

use netverdict_host::SysctlError;
use netverdict_host::json::JsonError;

use crate::SourceKind;

/// Why a host could not be read. Each is the user's to mend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file or directory could not be opened or read.
    #[error("{name}: {}", explain(.source))]
    Io {
        /// The path.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not what a host's file is.
    #[error("{name}: {problem}")]
    NotRecognised {
        /// The path.
        name: String,
        /// What it is instead.
        problem: NotRecognised,
    },
    /// A file named for one thing holds another.
    #[error("{name}: holds {found}; expected the output of `{}`", .expected.command())]
    Unexpected {
        /// The path.
        name: String,
        /// What it holds.
        found: String,
        /// What its name says.
        expected: SourceKind,
    },
    /// A directory without a dump.
    #[error(
        "{name}: no dump in this directory; expected a file named iptables-save or ip6tables-save (or {others})"
    )]
    NoDump {
        /// The directory.
        name: String,
        /// Other names that are taken.
        others: String,
    },
    /// No dump among the files named.
    #[error(
        "{name}: holds the output of `{found}` and no dump; expected the output of iptables-save or ip6tables-save"
    )]
    OnlyOther {
        /// The file.
        name: String,
        /// What it holds.
        found: &'static str,
    },
    /// Two files say the same thing.
    #[error("{second}: `{}` is given twice; {first} holds it too", .kind.command())]
    Twice {
        /// What both hold.
        kind: SourceKind,
        /// The first file.
        first: String,
        /// The second.
        second: String,
    },
    /// A JSON file is not what its command prints.
    #[error("{name}: {error}")]
    Json {
        /// The path.
        name: String,
        /// What is wrong.
        error: JsonError,
    },
    /// A `--set` argument is wrong.
    #[error("--set: {0}")]
    Set(SysctlError),
}

/// What a file is instead of a host's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRecognised {
    /// Nothing in it.
    #[error("is empty; expected the output of iptables-save or ip6tables-save")]
    Empty,
    /// No text.
    #[error("is {0}; expected a dump: the text that iptables-save or ip6tables-save prints")]
    Binary(&'static str),
    /// Text of no known kind.
    #[error(
        "is no dump: expected the output of iptables-save or ip6tables-save (lines such as `*filter` and `-A INPUT …`)"
    )]
    Text,
    /// Broken JSON.
    #[error(
        "line {line}, column {column}: broken JSON; expected the output of `ip -j addr`, `ip -j route` or `ip -j rule`"
    )]
    Json {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "no such file or directory; expected a dump or a bundle directory".to_owned()
        }
        io::ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => error.to_string(),
    }
}
