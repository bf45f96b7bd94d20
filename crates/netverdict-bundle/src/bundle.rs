//! Everything that a host's files say.

use netverdict_host::{Interface, PolicyRule, Route, SysctlLineError, Sysctls};
use netverdict_net::Family;

use crate::{ConntrackEntry, ConntrackError, Source, SourceId, SourceKind};

/// A host's files, read. What they leave out is `None`, not guessed: [`infer`](crate::infer) fills it in.
#[derive(Debug, Clone, Default)]
pub struct Bundle {
    /// What the user called it.
    pub name: String,
    /// Every file, in the order read.
    pub sources: Vec<Source>,
    /// `ip -j addr`.
    pub interfaces: Option<Vec<Interface>>,
    /// IPv4 routes of every table.
    pub routes_v4: Option<Vec<Route>>,
    /// IPv6 routes of every table.
    pub routes_v6: Option<Vec<Route>>,
    /// IPv4 policy rules.
    pub rules_v4: Option<Vec<PolicyRule>>,
    /// IPv6 policy rules.
    pub rules_v6: Option<Vec<PolicyRule>>,
    /// Kernel settings; `None` if no file has any.
    pub sysctls: Option<Sysctls>,
    /// Connections that existed when the capture began; `None` if no file tells.
    pub connections: Option<Vec<ConntrackEntry>>,
    /// Lines that could not be read, of files where a bad line spoils only itself.
    pub line_errors: Vec<LineError>,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// The file.
    pub source: SourceId,
    /// Counted from 1.
    pub line: u32,
    /// What is wrong.
    pub problem: String,
}

impl Bundle {
    /// The file of a kind, if the bundle has one.
    pub fn source(&self, kind: SourceKind) -> Option<(SourceId, &Source)> {
        self.sources
            .iter()
            .zip(0..)
            .find(|(s, _)| s.kind == kind)
            .map(|(s, i)| (SourceId(i), s))
    }

    /// The dump of a family.
    pub fn dump(&self, family: Family) -> Option<(SourceId, &Source)> {
        self.source(SourceKind::Dump(family))
    }

    /// The file of an id.
    pub fn source_of(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0)
    }

    pub(crate) fn note_sysctl_errors(&mut self, source: SourceId, errors: Vec<SysctlLineError>) {
        let note = |e: SysctlLineError| LineError {
            source,
            line: e.line,
            problem: e.error.to_string(),
        };
        self.line_errors.extend(errors.into_iter().map(note));
    }

    pub(crate) fn note_conntrack_errors(&mut self, source: SourceId, errors: Vec<ConntrackError>) {
        let note = |e: ConntrackError| LineError {
            source,
            line: e.line,
            problem: e.problem,
        };
        self.line_errors.extend(errors.into_iter().map(note));
    }
}
