//! `netverdict test`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::Printed;

/// Runs suites of cases: a host, traffic, expectations, and a snapshot of verdicts each
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  netverdict test fixtures/suites
  netverdict test fixtures/suites --filter 'router/*' --list
  netverdict test suites/ --accept
  netverdict test suites/ --review
  netverdict test suites/ --ci --format junit -o junit.xml
  netverdict test --init host.rules traffic.pcap suites/office

A case is a directory with a case.toml; a PATH is one, or a tree of them. docs/test.md says what is in it:
  host = \"bundle\"
  captures = [\"traffic.pcapng\"]
  packets = ['in eth0 tcp-session 198.51.100.7:40000 > 203.0.113.10:22']
  [[expect]]
  port = 22
  verdict = \"ACCEPT\"
  rule = { chain = \"INPUT\", comment = \"ssh from the office\" }

Exit codes: 0 every case passed, 1 a case failed, 2 bad usage, or a case, host or capture that cannot be read.")]
pub(crate) struct Test {
    /// A case, or a tree of cases; with --init the host, the capture and, unless it is to be named after the capture, the
    /// directory to make
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,

    /// Make a case of a host and a capture: `--init HOST CAPTURE [DIR]`
    #[arg(long, conflicts_with_all = ["list", "accept", "review", "filter", "shuffle", "fail_fast"])]
    pub(crate) init: bool,

    /// With --init: another file of the host, recognised by its contents
    #[arg(long, value_name = "FILE", requires = "init")]
    pub(crate) also: Vec<PathBuf>,

    /// Name the cases and do not run them
    #[arg(long)]
    pub(crate) list: bool,

    /// Only cases whose name has TEXT in it, or matches it as a glob (`*`, `?`, `[ab]`, `{a,b}`)
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,

    /// Take what the cases say now for right: write new and changed snapshots, remove orphaned ones
    #[arg(long)]
    pub(crate) accept: bool,

    /// Show each changed snapshot and ask whether to take it
    #[arg(long, conflicts_with = "accept")]
    pub(crate) review: bool,

    /// Run the cases in an order drawn from SEED, or from one that is drawn and printed
    #[arg(
        long,
        value_name = "SEED",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "draw",
        value_parser = order
    )]
    pub(crate) shuffle: Option<Shuffle>,

    /// Start no case after one that failed
    #[arg(long)]
    pub(crate) fail_fast: bool,

    /// Take snapshots that are new or orphaned for failures and write nothing [default: if the environment has CI=true]
    #[arg(long, conflicts_with_all = ["accept", "review"])]
    pub(crate) ci: bool,

    #[command(flatten)]
    pub(crate) printed: Printed<Format>,
}

/// Where an order's seed is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shuffle {
    /// Nobody chose it.
    Draw,
    Seed(u64),
}

fn order(text: &str) -> Result<Shuffle, String> {
    match text {
        "draw" => Ok(Shuffle::Draw),
        seed => {
            let seed = seed.parse().map(Shuffle::Seed);
            seed.map_err(|_| "expected a number".to_owned())
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For a person
    #[default]
    Text,
    /// One document, schema netverdict.test/1
    Json,
    /// For a CI server
    Junit,
    /// For a pull request
    Markdown,
}
