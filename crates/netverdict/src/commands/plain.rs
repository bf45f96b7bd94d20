//! Completions and man pages.

use std::fs;
use std::io::Write;

use clap::CommandFactory;

use crate::args::Cli;
use crate::args::plain::{Completions, Man};
use crate::error::Failure;
use crate::exit;
use crate::output::Output;

pub(crate) fn completions(args: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "netverdict", &mut script);
    let mut output = Output::open(&args.common)?;
    output
        .write_all(&script)
        .map_err(|error| output.failure(&error))?;
    output.finish()?;
    Ok(exit::DONE)
}

pub(crate) fn man(args: &Man) -> Result<u8, Failure> {
    let failed = |error: &std::io::Error| Failure::io("write man pages to", &args.directory, error);
    fs::create_dir_all(&args.directory).map_err(|error| failed(&error))?;
    clap_mangen::generate_to(Cli::command(), &args.directory).map_err(|error| failed(&error))?;
    Ok(exit::DONE)
}
