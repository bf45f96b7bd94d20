//! `netverdict test --init HOST CAPTURE [DIR]`.

use std::io::Write;
use std::path::{Path, PathBuf};

use netverdict_suite::init::{InitError, Parts, copy, suggest, write};
use netverdict_suite::{Case, Decision, FILE, Job, Order, run_all};

use super::hosts::CommandHosts;
use crate::args::test::Test;
use crate::error::{Failure, plain};
use crate::exit;
use crate::output::Output;

pub(super) fn run(args: &Test) -> Result<u8, Failure> {
    let (host, capture, directory) = match args.paths.as_slice() {
        [host, capture] => (host, capture, default_directory(capture)),
        [host, capture, directory] => (host, capture, directory.clone()),
        _ => {
            return Err(Failure::with_help(
                "--init takes a host and a capture, and the directory to make if it is not named after the capture",
                "netverdict test --init host.rules traffic.pcap suites/office",
            ));
        }
    };
    for path in [host, capture] {
        if path.as_os_str() == "-" {
            return Err(Failure::with_help(
                "a case is made of files, not of standard input (`-`)",
                "write it to a file first, as in iptables-save -c > host.rules",
            ));
        }
        std::fs::metadata(path).map_err(|error| Failure::io("read", path, &error))?;
    }
    let parts = Parts {
        host,
        also: &args.also,
        capture,
        directory: &directory,
    };
    let text = copy(&parts).map_err(|error| refused(&error))?;
    let made = make(&directory, text);
    if made.is_err() {
        // A case that cannot run is none: without its file the directory can be made again.
        drop(std::fs::remove_file(directory.join(FILE)));
    }
    let summary = made?;
    let mut output = Output::open(&args.printed.common)?;
    let written = output.write_all(summary.as_bytes());
    written.map_err(|error| output.failure(&error))?;
    output.finish()?;
    Ok(exit::DONE)
}

/// Suggests expectations and writes the first snapshot.
fn make(directory: &Path, mut text: String) -> Result<String, Failure> {
    let file = directory.join(FILE);
    let name = directory.display().to_string();
    let load = || Case::load(name.clone(), directory).map_err(|e| super::unreadable(&e));
    text.push_str(&suggest(&load()?, &CommandHosts)?);
    write(&file, &text).map_err(|error| refused(&error))?;
    let case = load()?;
    let jobs: Vec<_> = case
        .hosts
        .iter()
        .map(|host| Job { case: &case, host })
        .collect();
    let mut lines = vec![file.display().to_string()];
    let ended = run_all(&jobs, &CommandHosts, Order::default(), &|| ());
    for (job, ended) in jobs.iter().zip(ended) {
        let mut failure = None;
        let mut tell = |error: Failure| {
            let text = error.render(false);
            failure = Some(error);
            text
        };
        let run = job.settle(
            ended,
            &CommandHosts,
            false,
            &mut |_| Decision::Accept,
            &mut tell,
        );
        if let Some(failure) = failure {
            return Err(failure);
        }
        if let Some(path) = &run.snapshot.path {
            lines.push(path.clone());
        }
        let assumed = run.assumptions.iter();
        lines.extend(assumed.map(|a| format!("assumed: {}  [{}]", a.text, a.flag)));
        lines.push(format!(
            "{} packets of {} flows. Next: read the snapshot, uncomment what must stay so in {}, then",
            run.packets,
            run.flows,
            file.display()
        ));
        lines.push(format!("  netverdict test {}", directory.display()));
    }
    Ok(lines.join("\n") + "\n")
}

/// The capture's name without its endings.
fn default_directory(capture: &Path) -> PathBuf {
    let name = capture.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty());
    PathBuf::from(stem.unwrap_or("case"))
}

fn refused(error: &InitError) -> Failure {
    match error {
        InitError::Exists(_) => Failure::with_help(
            error.to_string(),
            "name another directory behind the capture",
        ),
        InitError::Io {
            action,
            path,
            source,
        } => Failure::new(format!(
            "cannot {action} {}: {}",
            path.display(),
            plain(source)
        )),
        InitError::NoBundle(_) => Failure::new(error.to_string()),
    }
}
