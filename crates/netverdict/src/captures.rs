//! From the arguments that name captures to readable ones.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use netverdict_capture::{CaptureError, Captures, Input, Summary, Warning, expand};
use tempfile::TempPath;

use crate::error::{Failure, Problem};
use crate::suggest;

/// Captures that can be read more than once.
#[derive(Debug)]
pub(crate) struct Sources {
    inputs: Vec<Input>,
    /// Files of a directory that are no captures.
    pub(crate) left_out: Vec<String>,
    /// Standard input, kept for the second reading; removed when this goes.
    _kept: Option<TempPath>,
}

impl Sources {
    /// Resolves directories and standard input.
    pub(crate) fn new(arguments: &[OsString], host: &Path) -> Result<Self, Failure> {
        let dashes = arguments.iter().filter(|a| is_dash(a)).count();
        if dashes + usize::from(is_dash(host.as_os_str())) > 1 {
            return Err(Failure::with_help(
                "standard input (`-`) can be read only once",
                "give the host or one capture as `-`, the others as files",
            ));
        }
        let inputs: Vec<_> = arguments.iter().map(|a| Input::of(a)).collect();
        let (mut inputs, left_out) = expand(&inputs).map_err(|e| unreadable(&e))?;
        let mut kept = None;
        for input in &mut inputs {
            if *input == Input::Stdin {
                let file = keep(io::stdin().lock())?;
                *input = Input::Spooled {
                    path: file.to_path_buf(),
                    name: "-".to_owned(),
                };
                kept = Some(file);
            }
        }
        Ok(Self {
            inputs,
            left_out: left_out.iter().map(|p| p.display().to_string()).collect(),
            _kept: kept,
        })
    }

    /// A capture that is already in memory.
    pub(crate) fn of_bytes(name: &Path, bytes: &[u8]) -> Result<Self, Failure> {
        let file = keep(bytes)?;
        Ok(Self {
            inputs: vec![Input::Spooled {
                path: file.to_path_buf(),
                name: name.display().to_string(),
            }],
            left_out: Vec::new(),
            _kept: Some(file),
        })
    }

    /// The names of all captures.
    pub(crate) fn names(&self) -> Vec<String> {
        self.inputs.iter().map(Input::name).collect()
    }

    /// All as one stream.
    pub(crate) fn open(&self) -> Result<Captures, Failure> {
        Captures::open(&self.inputs).map_err(|e| unreadable(&e))
    }

    /// Each as a stream of its own.
    pub(crate) fn open_each(&self) -> impl Iterator<Item = Result<Captures, Failure>> {
        self.each().map(|open| open())
    }

    /// Each as a stream of its own, to be opened.
    pub(crate) fn each(&self) -> impl Iterator<Item = impl Fn() -> Result<Captures, Failure>> {
        self.inputs.iter().map(|input| {
            move || Captures::open(std::slice::from_ref(input)).map_err(|e| unreadable(&e))
        })
    }
}

fn is_dash(argument: &OsStr) -> bool {
    argument == "-"
}

/// Copies a stream to a file: captures are read twice, once for what they tell about the host.
fn keep(mut bytes: impl io::Read) -> Result<TempPath, Failure> {
    let failed = |error: &io::Error| Failure::io("keep", Path::new("the capture"), error);
    let mut file = tempfile::NamedTempFile::new().map_err(|e| failed(&e))?;
    io::copy(&mut bytes, &mut file).map_err(|e| failed(&e))?;
    Ok(file.into_temp_path())
}

/// What a capture that cannot be read means to its user.
pub(crate) fn unreadable(error: &CaptureError) -> Failure {
    match error {
        CaptureError::Io {
            name,
            action,
            source,
        } => Failure::io(action, Path::new(name), source),
        CaptureError::NoCaptures { name } => {
            let hint = suggest::below(Path::new(name), |file| {
                [".pcap", ".pcapng", ".cap"]
                    .iter()
                    .any(|ending| file.contains(ending))
            });
            match hint {
                Some(hint) => Failure::with_help(error.to_string(), hint),
                None => Failure::new(error.to_string()),
            }
        }
        error => Failure::new(error.to_string()),
    }
}

/// A failure that names captures whose compression is damaged. What could be read of them was; as with zcat, that it was
/// not all is an error nevertheless.
pub(crate) fn refuse_damaged(captures: &[Summary]) -> Result<(), Failure> {
    let damaged = captures.iter().flat_map(|capture| {
        let damaged = capture.warnings.iter();
        let damaged = damaged.filter(|w| matches!(w, Warning::Compression { .. }));
        damaged.map(|w| Problem::new(format!("{}: {w}", capture.name)))
    });
    let problems: Vec<_> = damaged.collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Problems(problems))
    }
}
