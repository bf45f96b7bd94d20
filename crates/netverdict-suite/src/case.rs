//! What a case is.

use std::path::PathBuf;

use netverdict_send::{Send, Talk};

use crate::expect::Expectation;

/// The file that makes a directory a case.
pub const FILE: &str = "case.toml";

/// A host, traffic, and what is expected.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its path below what the user named, `/` between parts.
    pub name: String,
    pub directory: PathBuf,
    pub description: Option<String>,
    /// One, or several for a matrix; each is a run of its own.
    pub hosts: Vec<HostEntry>,
    /// Captures and directories of them, as paths that can be opened.
    pub captures: Vec<PathBuf>,
    /// Whether each capture has a fresh host of its own.
    pub separate: bool,
    /// Packets written as text, behind the captures.
    pub packets: Vec<Line>,
    pub expectations: Vec<Expectation>,
    /// Whether a snapshot is kept.
    pub snapshot: bool,
}

/// One host of a case.
#[derive(Debug, Clone)]
pub struct HostEntry {
    /// What tells it from the case's other hosts.
    pub name: String,
    pub path: PathBuf,
    pub also: Vec<PathBuf>,
    pub options: Options,
}

/// What overrides inferences and defaults, as the flags of the same names do. Values are checked when the file is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    pub local: Vec<String>,
    pub iface: Option<String>,
    pub direction: Option<String>,
    pub set: Vec<String>,
    pub checksums: Option<String>,
    pub hz: Option<u32>,
    pub seed: Option<u64>,
    pub unknown: Option<String>,
    pub backend: Option<String>,
    pub assume: Vec<String>,
    pub lenient: bool,
    pub keep_counters: bool,
}

/// A line of `packets`.
#[derive(Debug, Clone)]
pub struct Line {
    /// As it is written.
    pub text: String,
    pub what: What,
}

/// What a line says.
#[derive(Debug, Clone)]
pub enum What {
    Packet(Box<Send>),
    Talk(Box<Talk>),
}

impl Case {
    /// What a run of the case on one of its hosts is called.
    pub fn run_name(&self, host: &HostEntry) -> String {
        if self.hosts.len() == 1 {
            self.name.clone()
        } else {
            format!("{}@{}", self.name, host.name)
        }
    }
}
