//! Measures the whole program beside tcpdump and, as root, beside the kernel, and writes one table of ratios.
//!
//! Only ratios within one run mean anything: the machine that measures is part of every figure. `just bench` runs it.

mod error;
mod inputs;
mod kernel;
mod plan;
mod profile;
mod program;
mod readme;
mod table;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use error::Error;
use inputs::Inputs;

/// Measures netverdict beside tcpdump and the kernel.
#[derive(Debug, Parser)]
#[command(name = "netverdict-bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the inputs, measures, and writes `table.md` and `table.json`.
    Run(Run),
    /// Sends a capture through the netfilter of the network namespace it is started in. `run` starts it.
    #[command(hide = true)]
    Feed(kernel::feed::Feed),
}

/// What is measured, and how long.
#[derive(Debug, Args)]
struct Run {
    /// The netverdict binary to measure.
    #[arg(long, default_value = "target/release/netverdict")]
    program: PathBuf,
    /// Where inputs and results go; inputs that are there already are taken.
    #[arg(long, default_value = "target/bench")]
    directory: PathBuf,
    /// Packets of each capture but those of 64-byte frames.
    #[arg(long, default_value_t = 1_100_000)]
    packets: u64,
    /// Connections of each capture but those of 64-byte frames.
    #[arg(long, default_value_t = 50_000)]
    flows: u64,
    /// Packets of each capture of 64-byte frames: 400 MB.
    #[arg(long, default_value_t = 5_000_000)]
    small_packets: u64,
    /// Connections of each capture of 64-byte frames.
    #[arg(long, default_value_t = 205_000)]
    small_flows: u64,
    /// Gigabytes of the capture that memory is measured with.
    #[arg(long, default_value_t = 1)]
    large: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each command runs; the fastest run counts.
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Only lines whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Also count instructions a packet and stage, with callgrind.
    #[arg(long)]
    profile: bool,
    /// Put the table into this file, between its `<!-- bench -->` and `<!-- /bench -->`.
    #[arg(long)]
    readme: Option<PathBuf>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(run) => measure(&run),
        Command::Feed(feed) => kernel::feed::run(&feed),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("netverdict-bench: {error}"));
            ExitCode::from(2)
        }
    }
}

fn measure(run: &Run) -> Result<(), Error> {
    fs::create_dir_all(&run.directory)?;
    let inputs = Inputs::new(run);
    let mut table = plan::measure(run, &inputs)?;
    if run.profile {
        table.profiles = profile::all(run, &inputs)?;
    }
    let markdown = table.to_markdown();
    fs::write(run.directory.join("table.md"), &markdown)?;
    let json = serde_json::to_string_pretty(&table).map_err(std::io::Error::other)?;
    fs::write(run.directory.join("table.json"), json + "\n")?;
    if let Some(page) = &run.readme {
        readme::put(page, &markdown)?;
    }
    say(&markdown);
    Ok(())
}

/// Says something to who started the measurement.
fn say(text: &str) {
    #[expect(clippy::print_stderr, reason = "progress and results of a measurement")]
    {
        eprintln!("{text}");
    }
}
