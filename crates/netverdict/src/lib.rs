//! The command line of netverdict, and its facade for other programs.
//!
//! Only this crate knows clap, terminals and exit codes.

mod args;
mod captures;
mod commands;
mod config;
mod error;
mod hints;
mod host;
mod names;
mod output;
mod progress;
mod suggest;

pub mod exit;

pub use netverdict_assume as assume;
pub use netverdict_send as send;

use std::io::Write;
use std::process::ExitCode;

use args::Command;
use error::Failure;

/// Runs the command line; returns the process's exit code.
pub fn main() -> ExitCode {
    let result = config::parse(std::env::args_os().collect()).and_then(|cli| {
        let common = cli.command.common();
        anstream::ColorChoice::from(common.color).write_global();
        threads(common.threads).and_then(|()| run(&cli.command))
    });
    ExitCode::from(result.unwrap_or_else(|failure| {
        complain(&failure);
        failure.exit_code()
    }))
}

fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Conform(args) => commands::conform::run(args),
        Command::Collect(args) => commands::collect::run(args),
        Command::Completions(args) => commands::plain::completions(args),
        Command::Man(args) => commands::plain::man(args),
        // On a worker thread: others take work from it with nobody woken in between.
        Command::Replay(args) => rayon::scope(|_| commands::replay::run(args)),
        Command::Trace(args) => commands::trace::run(args),
        Command::Diff(args) => commands::diff::run(args),
        Command::Test(args) => commands::test::run(args),
        Command::Extensions(args) => commands::extensions::run(args),
        Command::Audit(args) => commands::audit::run(args),
        Command::Lint(args) => commands::lint::run(args),
        Command::Fmt(args) => commands::fmt::run(args),
        Command::Demo(args) => commands::demo::run(args),
    }
}

/// Sets up the worker threads.
fn threads(wanted: Option<std::num::NonZeroUsize>) -> Result<(), Failure> {
    let threads = wanted.map_or(0, std::num::NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| Failure::new(format!("cannot start {threads} worker threads: {error}")))
}

/// Says on standard error what went wrong.
fn complain(failure: &Failure) {
    let mut stderr = anstream::AutoStream::auto(std::io::stderr());
    let colours = stderr.current_choice() != anstream::ColorChoice::Never;
    // Nobody is left to tell if this fails.
    drop(stderr.write_all(failure.render(colours).as_bytes()));
}
