//! The command line's definition. The only module that knows clap; shell completions and man pages come from it too.

pub(crate) mod audit;
pub(crate) mod collect;
pub(crate) mod common;
pub(crate) mod conform;
pub(crate) mod diff;
pub(crate) mod extensions;
pub(crate) mod fmt;
pub(crate) mod inputs;
pub(crate) mod lint;
mod moment;
mod number;
pub(crate) mod plain;
pub(crate) mod replay;
pub(crate) mod test;
pub(crate) mod trace;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{Parser, Subcommand};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// What would this firewall do, or have done, with this traffic?
///
/// netverdict reads what iptables-save and ip6tables-save print, reads packet captures, runs every packet through a
/// user-space model of Linux netfilter, and says what became of it and which rule decided.
#[derive(Debug, Parser)]
#[command(
    name = "netverdict",
    bin_name = "netverdict",
    version,
    styles = STYLES,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Examples:
  netverdict replay host.rules traffic.pcap
  netverdict trace host.rules traffic.pcap --packet 17
  netverdict trace host.rules --send 'in eth0 tcp 198.51.100.7:40000 > 203.0.113.1:22 syn'
  netverdict demo

Exit codes: 0 done, nothing to report; 1 done, and it found what it looks for; 2 bad usage or unreadable input."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Replay(replay::Replay),
    Trace(trace::Trace),
    Diff(diff::Diff),
    Test(test::Test),
    Audit(audit::Audit),
    Lint(lint::Lint),
    Fmt(fmt::Fmt),
    Conform(conform::Conform),
    Extensions(extensions::Extensions),
    Collect(collect::Collect),
    Demo(replay::Demo),
    Completions(plain::Completions),
    Man(plain::Man),
}

impl Command {
    /// The options that every command has.
    pub(crate) fn common(&self) -> &common::Common {
        match self {
            Self::Replay(replay) => &replay.printed.common,
            Self::Trace(trace) => &trace.printed.common,
            Self::Diff(diff) => &diff.printed.common,
            Self::Test(test) => &test.printed.common,
            Self::Audit(audit) => &audit.printed.common,
            Self::Lint(lint) => &lint.printed.common,
            Self::Fmt(fmt) => &fmt.printed.common,
            Self::Conform(conform) => &conform.printed.common,
            Self::Extensions(extensions) => &extensions.printed.common,
            Self::Collect(collect) => &collect.printed.common,
            Self::Demo(demo) => &demo.printed.common,
            Self::Completions(completions) => &completions.common,
            Self::Man(man) => &man.common,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_examples() {
        for command in Cli::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.starts_with("Examples:\n"),
                "{} has no examples",
                command.get_name()
            );
            assert!(help.contains(&format!("netverdict {}", command.get_name())));
        }
    }
}
