//! Where a command's output goes: standard output with or without colours, or a file that appears whole.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstream::AutoStream;

use crate::args::common::Common;
use crate::error::Failure;

const BUFFER: usize = 1 << 16;

/// An open output.
pub(crate) struct Output {
    writer: BufWriter<Box<dyn Write + Send + Sync>>,
    colours: bool,
    name: String,
    is_terminal: bool,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Opens what `-o` names, else standard output.
    pub(crate) fn open(common: &Common) -> Result<Self, Failure> {
        match &common.output {
            Some(path) => Self::file(path, common),
            None => Ok(Self::stdout(common)),
        }
    }

    fn file(path: &Path, common: &Common) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| Failure::io("write", path, &error))?;
        Ok(Self {
            writer: BufWriter::with_capacity(BUFFER, Box::new(file)),
            colours: common.color == crate::args::common::Color::Always,
            name: path.display().to_string(),
            is_terminal: false,
        })
    }

    fn stdout(common: &Common) -> Self {
        let stdout = io::stdout();
        let choice = match common.color.into() {
            anstream::ColorChoice::Auto => AutoStream::choice(&stdout),
            choice => choice,
        };
        Self {
            writer: BufWriter::with_capacity(BUFFER, Box::new(stdout)),
            colours: choice != anstream::ColorChoice::Never,
            name: "standard output".to_owned(),
            is_terminal: io::stdout().is_terminal(),
        }
    }

    /// Whether to write colours.
    pub(crate) fn has_colours(&self) -> bool {
        self.colours
    }

    /// Whether a person would see what is written byte for byte.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Flushes what is left.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.writer.flush().map_err(|error| self.failure(&error))
    }

    /// What a failed write means.
    pub(crate) fn failure(&self, error: &io::Error) -> Failure {
        Failure::io("write", &PathBuf::from(&self.name), error)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
