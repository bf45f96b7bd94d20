//! The generators' command line.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use netverdict_forge::load::{rules, traffic};
use netverdict_forge::{pair, scene};

/// Generates what netverdict is tested and measured with; the same arguments give the same bytes.
#[derive(Debug, Parser)]
#[command(name = "netverdict-forge")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes the fixture scenes and pairs.
    Fixtures { directory: PathBuf },
    /// Writes a long capture of routed traffic.
    Traffic {
        kind: Traffic,
        file: PathBuf,
        #[arg(long, default_value_t = 1_100_000)]
        packets: u64,
        /// Connections over the whole capture.
        #[arg(long, default_value_t = 50_000)]
        flows: u64,
        /// Nanoseconds from one packet to the next.
        #[arg(long, default_value_t = 10_000)]
        pace: i64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Writes the bundle of a router with that many rules that no packet of `traffic` matches.
    Rules {
        count: u64,
        directory: PathBuf,
        #[arg(long, default_value = "filter")]
        kind: Rules,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Traffic {
    /// Packets of all lengths.
    Mixed,
    /// Frames of 64 bytes.
    Small,
    /// Every packet opens a connection of its own.
    Scan,
    /// What came in on both legs of a router that translates sources (pcapng).
    Gateway,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rules {
    /// Every packet is tested against every rule.
    Filter,
    /// What is established is accepted first.
    Established,
    /// The same on a router that translates sources.
    Gateway,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a generator's only words to its user")]
            {
                eprintln!("netverdict-forge: {error}");
            }
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    match arguments.command {
        Command::Fixtures { directory } => {
            scene::write_all(&directory).and_then(|()| pair::write_all(&directory))
        }
        Command::Traffic {
            kind,
            file,
            packets,
            flows,
            pace,
            seed,
        } => {
            let kind = match kind {
                Traffic::Mixed => traffic::Kind::Mixed,
                Traffic::Small => traffic::Kind::Small,
                Traffic::Scan => traffic::Kind::Scan,
                Traffic::Gateway => traffic::Kind::Gateway,
            };
            let amount = traffic::Amount {
                packets,
                flows,
                pace,
                seed,
            };
            traffic::write(kind, amount, &file)
        }
        Command::Rules {
            count,
            directory,
            kind,
            seed,
        } => {
            let kind = match kind {
                Rules::Filter => rules::Kind::Filter,
                Rules::Established => rules::Kind::Established,
                Rules::Gateway => rules::Kind::Gateway,
            };
            rules::write(kind, count, seed, &directory)
        }
    }
}
