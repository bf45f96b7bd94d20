//! `netverdict lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::Printed;

/// Reviews a host's rules without any traffic: dead and redundant rules, contradictions, holes
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict lint host.rules
  netverdict lint bundle/ --fail-on error
  netverdict lint rules.v4 --also rules.v6 --format sarif -o lint.sarif
  iptables-save | netverdict lint -
  netverdict lint --explain NV101

A finding is allowed by a comment in the dump, `# netverdict: allow NV203 REASON`, on the line before
it (before the first table, for the whole file); by the rule's own comment,
`-m comment --comment \"netverdict: allow NV203 REASON\"`; or by [[allow]] in netverdict.toml.

Exit codes: 0 nothing found at or above --fail-on, 1 something found, 2 bad usage or unreadable
input.")]
pub(crate) struct Lint {
    /// A dump (iptables-save or ip6tables-save text, `-` for standard input) or a bundle: a directory of them, together
    /// with what other standard commands print
    #[arg(value_name = "HOST", required_unless_present = "explain")]
    pub(crate) host: Option<PathBuf>,

    /// Another file of the same host, recognised by its contents: the other family's dump, an ipset save, `ip -j addr`…
    #[arg(long, value_name = "FILE", help_heading = "Host")]
    pub(crate) also: Vec<PathBuf>,

    /// Leave out lines that cannot be read or that iptables-restore would refuse, and list them as assumptions
    #[arg(long, help_heading = "Host")]
    pub(crate) lenient: bool,

    /// Print the page of a kind of finding, by id or name; without one, list all
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        default_missing_value = "",
        help_heading = "Findings"
    )]
    pub(crate) explain: Option<String>,

    #[command(flatten)]
    pub(crate) findings: Findings,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

/// What becomes of findings.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Findings")]
pub(crate) struct Findings {
    /// The least severity that ends the command in 1 [default: warning]
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub(crate) fail_on: Option<FailOn>,

    /// Show allowed findings, too, with who allowed them and why
    #[arg(long)]
    pub(crate) show_allowed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Error,
    Warning,
    Note,
    Never,
}

impl From<FailOn> for netverdict_lint::allow::FailOn {
    fn from(level: FailOn) -> Self {
        match level {
            FailOn::Error => Self::Error,
            FailOn::Warning => Self::Warning,
            FailOn::Note => Self::Note,
            FailOn::Never => Self::Never,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Each finding with the lines that it is about
    #[default]
    Text,
    /// One document, schema netverdict.lint/1
    Json,
    /// For a pull request
    Markdown,
    /// For a CI server: a failed test for each finding
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}
