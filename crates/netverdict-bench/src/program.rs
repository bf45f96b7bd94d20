//! Runs a command and says what it took.

#![expect(clippy::disallowed_methods, reason = "measuring needs a clock")]

use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use crate::error::Error;

/// A command to be measured.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    words: Vec<OsString>,
}

/// What a command took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// Seconds by the clock.
    pub(crate) wall: f64,
    /// Seconds of all its threads.
    pub(crate) cpu: f64,
    /// Bytes at its peak.
    pub(crate) memory: u64,
}

impl Program {
    pub(crate) fn new<W: Into<OsString>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
        }
    }

    pub(crate) fn with(mut self, word: impl Into<OsString>) -> Self {
        self.words.push(word.into());
        self
    }

    /// The command as one would type it.
    pub(crate) fn text(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|w| w.to_string_lossy()).collect();
        words.join(" ")
    }

    /// Whether there is such a program.
    pub(crate) fn is_there(&self) -> bool {
        self.command()
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.words.first().cloned().unwrap_or_default());
        command.args(self.words.iter().skip(1));
        command
    }

    /// Runs it once.
    pub(crate) fn run(&self) -> Result<Taken, Error> {
        let before = cpu_of_children()?;
        let begin = Instant::now();
        let child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| Error::Start {
                command: self.text(),
                source,
            })?;
        let id = child.id();
        let watch = thread::spawn(move || peak_memory(id));
        let output = child.wait_with_output()?;
        let wall = begin.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(Error::Failed {
                command: self.text(),
                status: output.status,
                said: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        Ok(Taken {
            wall,
            cpu: cpu_of_children()? - before,
            memory: watch.join().unwrap_or_default(),
        })
    }
}

/// The fastest of several runs of each command, taken in turn so that a slow spell of the machine meets all of them.
pub(crate) fn fastest<const N: usize>(
    programs: [&Program; N],
    runs: u32,
) -> Result<[Taken; N], Error> {
    let mut best = [None::<Taken>; N];
    for _ in 0..runs.max(1) {
        for (program, best) in programs.iter().zip(&mut best) {
            let taken = program.run()?;
            let kept = best.get_or_insert(taken);
            kept.wall = kept.wall.min(taken.wall);
            kept.cpu = kept.cpu.min(taken.cpu);
            kept.memory = kept.memory.max(taken.memory);
        }
    }
    Ok(best.map(|taken| {
        taken.unwrap_or(Taken {
            wall: 0.0,
            cpu: 0.0,
            memory: 0,
        })
    }))
}

fn cpu_of_children() -> Result<f64, Error> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_err(|e| Error::other(format!("getrusage: {e}")))?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(micros as f64 / 1e6)
}

/// The peak of a process's resident memory, asked until it has gone.
fn peak_memory(process: u32) -> u64 {
    let mut peak = 0;
    while let Ok(status) = fs::read_to_string(format!("/proc/{process}/status")) {
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let Some(kilobytes) = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok())
        else {
            break;
        };
        peak = kilobytes << 10;
        thread::sleep(Duration::from_millis(10));
    }
    peak
}
