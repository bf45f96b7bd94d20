//! Why an input cannot be read as a capture at all.

use std::io;

/// Why an input is no capture. Damage further in is a [`Warning`](crate::Warning) instead.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The system would not open or read it.
    #[error("{name}: cannot {action}: {source}")]
    Io {
        /// The input.
        name: String,
        /// `open`, `read`, `list`.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// No byte in it.
    #[error("{name}: empty file, expected a pcap or pcapng capture")]
    Empty {
        /// The input.
        name: String,
    },
    /// An iptables-save dump.
    #[error(
        "{name}: this is {what} text, expected a pcap or pcapng capture (is it the HOST argument?)"
    )]
    Dump {
        /// The input.
        name: String,
        /// Which kind of dump it looks like.
        what: &'static str,
    },
    /// Some other text.
    #[error("{name}: this is text beginning with `{start}`, expected a pcap or pcapng capture")]
    Text {
        /// The input.
        name: String,
        /// Its first line, shortened.
        start: String,
    },
    /// A known format that is not read.
    #[error("{name}: this is {what}, expected a pcap or pcapng capture{hint}")]
    OtherFormat {
        /// The input.
        name: String,
        /// What it is.
        what: &'static str,
        /// What to do, beginning with a blank, or nothing.
        hint: &'static str,
    },
    /// Unknown bytes.
    #[error(
        "{name}: begins with bytes {found}, expected the magic number of a pcap or pcapng capture"
    )]
    Magic {
        /// The input.
        name: String,
        /// The first bytes in hex.
        found: String,
    },
    /// The file header is cut or nonsense.
    #[error("{name}: the {format} file header {what}")]
    Header {
        /// The input.
        name: String,
        /// What the magic number says it is.
        format: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// Compressed data that cannot be decompressed as far as the capture's header.
    #[error(
        "{name}: the {compression} data is cut off or damaged before the capture's header: {error}"
    )]
    Compression {
        /// The input.
        name: String,
        /// Kind of compression.
        compression: &'static str,
        /// What the decompressor says.
        error: String,
    },
    /// A directory with no capture in it.
    #[error("{name}: no capture in this directory (pcap or pcapng, plain or gz, zstd, xz)")]
    NoCaptures {
        /// The directory.
        name: String,
    },
}
