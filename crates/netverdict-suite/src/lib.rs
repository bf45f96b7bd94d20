//! Cases: a host, traffic, expectations, and a snapshot of verdicts.
//!
//! [`discover`] finds cases, [`Case::load`] reads one, [`run_all`] runs them in parallel on hosts that a [`Hosts`] makes
//! ready, and [`Job::settle`] makes each run's [`document::Run`] and does what is to be done about its snapshot. [`init`]
//! makes a case. Nothing here knows a terminal.

mod case;
mod check;
mod discover;
pub mod document;
mod error;
mod expect;
pub mod init;
mod junit;
mod markdown;
mod play;
mod read;
mod run;
mod section;
mod snapshot;
mod suite;
mod text;

use std::io;
use std::path::PathBuf;

pub use case::{Case, FILE, HostEntry, Line, Options, What};
pub use discover::{Filter, Found, Place, discover};
pub use error::CaseError;
pub use expect::{
    Count, Ends, Expectation, Expected, Packets, RuleQuery, Span, Translation, Wanted,
};
pub use junit::junit;
pub use markdown::Markdown;
pub use run::{Hosts, Ran, Verdicts};
pub use suite::{Decision, Ended, Job, Order, Question, run_all};
pub use text::{Text, difference};

/// Why a case cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its file, or a directory, cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in its file is wrong.
    #[error(transparent)]
    Case(Box<CaseError>),
    /// There is none.
    #[error("no case below {}: expected a directory with a case.toml", path.display())]
    NoCase {
        /// Where.
        path: PathBuf,
    },
}
