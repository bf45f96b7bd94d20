//! `netverdict collect`: the script that gathers a bundle.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use netverdict_bundle::collect_script;

use crate::args::collect::Collect;
use crate::error::Failure;
use crate::exit;
use crate::output::Output;

pub(crate) fn run(args: &Collect) -> Result<u8, Failure> {
    let script = collect_script();
    if let Some(directory) = &args.run {
        return gather(&script, directory);
    }
    let mut output = Output::open(&args.printed.common)?;
    output
        .write_all(script.as_bytes())
        .map_err(|error| output.failure(&error))?;
    output.finish()?;
    Ok(exit::DONE)
}

fn gather(script: &str, directory: &Path) -> Result<u8, Failure> {
    let failed = |error: &std::io::Error| Failure::io("run", Path::new("sh"), error);
    let mut shell = Command::new("sh")
        .args(["-s", "--"])
        .arg(directory)
        .stdin(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut stdin) = shell.stdin.take() {
        stdin
            .write_all(script.as_bytes())
            .map_err(|error| failed(&error))?;
    }
    let status = shell.wait().map_err(|error| failed(&error))?;
    if status.success() {
        return Ok(exit::DONE);
    }
    Err(Failure::with_help(
        format!("no bundle gathered in {}", directory.display()),
        "the lines above say why; iptables-save needs root, and prints nothing where no rules are loaded",
    ))
}
