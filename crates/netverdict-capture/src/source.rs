//! Where captures come from: paths, directories and standard input, and what their first bytes say they are.

mod sniff;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::CaptureError;
use crate::format::Walker;
use crate::read_ahead::{BLOCK, Block, ROOM, ReadAhead};
use crate::summary::{Format, Interface};

/// How many of a file's first bytes are looked at.
const PREFIX: u64 = 4096;

/// One capture to be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// A file.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// A file that holds what came from elsewhere, and goes by that name.
    Spooled {
        /// The file.
        path: PathBuf,
        /// What it is called in messages.
        name: String,
    },
}

impl Input {
    /// `-` is standard input, all else a path.
    pub fn of(argument: &OsStr) -> Self {
        if argument == "-" {
            Self::Stdin
        } else {
            Self::Path(argument.into())
        }
    }

    /// What it is called in messages.
    pub fn name(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Stdin => "-".to_owned(),
            Self::Spooled { name, .. } => name.clone(),
        }
    }

    fn open(&self) -> Result<Box<dyn Read + Send>, CaptureError> {
        match self {
            Self::Stdin => Ok(Box::new(io::stdin())),
            Self::Path(path) | Self::Spooled { path, .. } => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => Err(self.io("open", source)),
            },
        }
    }

    fn io(&self, action: &'static str, source: io::Error) -> CaptureError {
        CaptureError::Io {
            name: self.name(),
            action,
            source,
        }
    }
}

/// A compression format, recognised by its magic number and never by a file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip, of any number of members.
    Gzip,
    /// Zstandard, of any number of frames.
    Zstd,
    /// xz, of any number of streams.
    Xz,
}

impl Compression {
    /// `gzip`, `zstd`, `xz`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        }
    }

    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }

    fn decoder(self, input: impl Read + Send + 'static) -> io::Result<ReadAhead> {
        match self {
            Self::Gzip => ReadAhead::spawn(flate2::read::MultiGzDecoder::new(input)),
            Self::Zstd => ReadAhead::spawn(zstd::stream::read::Decoder::new(input)?),
            Self::Xz => ReadAhead::spawn(liblzma::read::XzDecoder::new_multi_decoder(input)),
        }
    }
}

/// Where the rest of a capture's bytes come from.
pub(crate) enum Bytes {
    /// From here.
    Read(Box<dyn Read + Send>),
    /// From another thread.
    Ahead(ReadAhead),
    /// A thread that failed, which is told once; then the end.
    Failed(Option<io::Error>),
}

impl Bytes {
    /// Adds up to `want` bytes, fewer only at the end or before an error.
    pub(crate) fn append(&mut self, bytes: &mut Vec<u8>, want: usize) -> io::Result<usize> {
        match self {
            Self::Read(input) => input.take(want as u64).read_to_end(bytes),
            Self::Ahead(input) => input.append(bytes, want),
            Self::Failed(error) => error.take().map_or(Ok(0), Err),
        }
    }

    /// A block that another thread has read, if a chunk may be as long and so many bytes find room before it; else, `None`,
    /// bytes are to be appended.
    pub(crate) fn block(
        &mut self,
        chunk: usize,
        before: usize,
    ) -> Option<io::Result<Option<Block>>> {
        match self {
            Self::Ahead(input) if chunk >= BLOCK && before <= ROOM => Some(input.block()),
            Self::Ahead(_) | Self::Read(_) | Self::Failed(_) => None,
        }
    }
}

/// An input recognised as a capture: its format, and its bytes from the first record on.
pub(crate) struct Opened {
    pub(crate) walker: Walker,
    pub(crate) format: Format,
    pub(crate) compression: Option<Compression>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) input: Bytes,
    /// Bytes already read, the file header among them.
    pub(crate) start: Vec<u8>,
    /// Where the first record begins in `start`.
    pub(crate) header: usize,
}

/// Opens an input and tells what it is.
pub(crate) fn open(input: &Input) -> Result<Opened, CaptureError> {
    open_reader(&input.name(), input.open()?)
}

/// The same for bytes from anywhere; `name` is for messages.
pub(crate) fn open_reader(
    name: &str,
    mut input: Box<dyn Read + Send>,
) -> Result<Opened, CaptureError> {
    let io = |source| CaptureError::Io {
        name: name.to_owned(),
        action: "read",
        source,
    };
    let mut start = Vec::new();
    input
        .by_ref()
        .take(PREFIX)
        .read_to_end(&mut start)
        .map_err(io)?;
    let compression = Compression::of(&start);
    let input = match compression {
        None => Bytes::Read(input),
        Some(compression) => {
            let whole = Cursor::new(std::mem::take(&mut start)).chain(input);
            decompressed(name, compression, whole, &mut start)?
        }
    };
    let is_all = (start.len() as u64) < PREFIX;
    let recognised = sniff::recognise(name, &start, is_all)?;
    Ok(Opened {
        walker: recognised.walker,
        format: recognised.format,
        compression,
        interfaces: recognised.interfaces,
        input,
        start,
        header: recognised.header,
    })
}

/// Begins to decompress, and puts the first bytes that come of it into `start`.
fn decompressed(
    name: &str,
    compression: Compression,
    whole: impl Read + Send + 'static,
    start: &mut Vec<u8>,
) -> Result<Bytes, CaptureError> {
    let decoder = compression.decoder(whole);
    let mut decoder = decoder.map_err(|source| CaptureError::Io {
        name: name.to_owned(),
        action: "read",
        source,
    })?;
    match decoder.append(start, PREFIX as usize) {
        Ok(_) => Ok(Bytes::Ahead(decoder)),
        Err(error) if start.len() < sniff::LEAST => Err(CaptureError::Compression {
            name: name.to_owned(),
            compression: compression.name(),
            error: error.to_string(),
        }),
        // Behind the header it comes at its place.
        Err(error) => Ok(Bytes::Failed(Some(error))),
    }
}

/// Replaces each directory by the captures in it, by name. Files in it that are no captures, hidden files and
/// directories are left out; the second list names them.
///
/// # Errors
/// A path cannot be read, or a directory has no capture in it.
pub fn expand(inputs: &[Input]) -> Result<(Vec<Input>, Vec<PathBuf>), CaptureError> {
    let mut captures = Vec::new();
    let mut left_out = Vec::new();
    for input in inputs {
        match input {
            Input::Path(path) if path.is_dir() => {
                expand_directory(path, &mut captures, &mut left_out)?;
            }
            other => captures.push(other.clone()),
        }
    }
    Ok((captures, left_out))
}

fn expand_directory(
    path: &Path,
    captures: &mut Vec<Input>,
    left_out: &mut Vec<PathBuf>,
) -> Result<(), CaptureError> {
    let directory = Input::Path(path.to_owned());
    let entries = fs::read_dir(path).and_then(|entries| {
        entries
            .map(|e| Ok(e?.path()))
            .collect::<io::Result<Vec<_>>>()
    });
    let mut paths = entries.map_err(|e| directory.io("list", e))?;
    paths.sort();
    let before = captures.len();
    for path in paths {
        let is_hidden = path
            .file_name()
            .is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
        if !is_hidden && path.is_file() && is_capture(&path)? {
            captures.push(Input::Path(path));
        } else {
            left_out.push(path);
        }
    }
    if captures.len() == before {
        return Err(CaptureError::NoCaptures {
            name: directory.name(),
        });
    }
    Ok(())
}

/// Whether a file is meant as a capture: one with a damaged header is, and will be refused when it is opened.
fn is_capture(path: &Path) -> Result<bool, CaptureError> {
    match open(&Input::Path(path.to_owned())) {
        Ok(_) | Err(CaptureError::Header { .. } | CaptureError::Compression { .. }) => Ok(true),
        Err(error @ CaptureError::Io { .. }) => Err(error),
        Err(_) => Ok(false),
    }
}
