//! What a file's first bytes say it is, and a helpful word where that is no capture.

use std::io::{self, Read};

use crate::CaptureError;
use crate::format::pcap::{self, FILE_HEADER};
use crate::format::pcapng::{Pcapng, SECTION_HEADER};
use crate::format::{Walker, erf};
use crate::summary::{Format, Interface};

/// Fewer bytes tell nothing.
pub(super) const LEAST: usize = 12;
/// How much of a text's first line is quoted.
const QUOTED: usize = 40;

/// A reader that fails once and is then at its end.
pub(super) struct Fails(pub(super) Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// A capture's format and what its file header says.
pub(super) struct Recognised {
    pub(super) walker: Walker,
    pub(super) format: Format,
    pub(super) interfaces: Vec<Interface>,
    /// Bytes of file header.
    pub(super) header: usize,
}

/// Judges a file by its first bytes; `is_all` if it has no more.
pub(super) fn recognise(
    name: &str,
    start: &[u8],
    is_all: bool,
) -> Result<Recognised, CaptureError> {
    if start.is_empty() {
        return Err(CaptureError::Empty {
            name: name.to_owned(),
        });
    }
    let magic = start.first_chunk().map(|m| u32::from_be_bytes(*m));
    match magic {
        Some(0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34 | 0x34cd_b2a1) => {
            recognise_pcap(start).ok_or_else(|| cut_header(name, "pcap", start, FILE_HEADER))
        }
        Some(SECTION_HEADER) => recognise_pcapng(name, start),
        _ if let Some(text) = text(start) => Err(text_error(name, text)),
        _ if let Some((what, hint)) = other_format(start) => Err(CaptureError::OtherFormat {
            name: name.to_owned(),
            what,
            hint,
        }),
        _ if erf::is_erf(start, is_all) => Ok(Recognised {
            walker: Walker::Erf(erf::Erf),
            format: Format::Erf,
            interfaces: vec![erf::interface()],
            header: 0,
        }),
        _ => Err(CaptureError::Magic {
            name: name.to_owned(),
            found: hex(start),
        }),
    }
}

fn recognise_pcap(start: &[u8]) -> Option<Recognised> {
    let header = start.get(..FILE_HEADER)?;
    let (walker, format, interface) =
        if let Some((pcap, format, interface)) = pcap::open_classic(header) {
            (Walker::Pcap(pcap), format, interface)
        } else {
            let (pcap, format, interface) = pcap::open_modified(header)?;
            (Walker::Modified(pcap), format, interface)
        };
    Some(Recognised {
        walker,
        format,
        interfaces: vec![interface],
        header: FILE_HEADER,
    })
}

/// The section header block itself is left to the walk, as later ones are.
fn recognise_pcapng(name: &str, start: &[u8]) -> Result<Recognised, CaptureError> {
    let what = match start.get(8..12) {
        Some([0x1a, 0x2b, 0x3c, 0x4d] | [0x4d, 0x3c, 0x2b, 0x1a]) => {
            return Ok(Recognised {
                walker: Walker::Pcapng(Pcapng::default()),
                format: Format::Pcapng,
                interfaces: Vec::new(),
                header: 0,
            });
        }
        None => return Err(cut_header(name, "pcapng", start, LEAST)),
        Some(found) => format!(
            "has byte-order magic {}, expected 1a 2b 3c 4d or its reverse",
            hex(found)
        ),
    };
    Err(CaptureError::Header {
        name: name.to_owned(),
        format: "pcapng",
        what,
    })
}

fn cut_header(name: &str, format: &'static str, start: &[u8], expected: usize) -> CaptureError {
    CaptureError::Header {
        name: name.to_owned(),
        format,
        what: format!(
            "is cut off after {} bytes, expected {expected}",
            start.len()
        ),
    }
}

/// The bytes as text if they are one: no control characters but those that texts have.
fn text(start: &[u8]) -> Option<String> {
    let is_control = |b: &u8| *b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1b);
    let is_text = !start.iter().any(|b| is_control(b) || *b == 0x7f);
    // Latin-1 dumps exist, but bytes that are mostly not ASCII are no text.
    let ascii = start.iter().filter(|b| b.is_ascii()).count();
    (is_text && ascii * 2 > start.len()).then(|| String::from_utf8_lossy(start).into_owned())
}

fn text_error(name: &str, text: String) -> CaptureError {
    let name = name.to_owned();
    match text.lines().find_map(dump_kind) {
        Some(what) => CaptureError::Dump { name, what },
        None => CaptureError::Text {
            name,
            start: text
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(QUOTED)
                .collect(),
        },
    }
}

/// Which dump a line like this is from.
fn dump_kind(line: &str) -> Option<&'static str> {
    let line = line.trim();
    let generated = line.strip_prefix("# Generated by ").unwrap_or_default();
    let kinds = [
        ("iptables", "iptables-save"),
        ("ip6tables", "ip6tables-save"),
        ("arptables", "arptables-save"),
        ("ebtables", "ebtables-save"),
    ];
    if let Some((_, kind)) = kinds.iter().find(|(tool, _)| generated.starts_with(tool)) {
        return Some(kind);
    }
    if matches!(
        line,
        "*raw" | "*mangle" | "*nat" | "*filter" | "*security" | "*broute"
    ) {
        return Some("iptables-save");
    }
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("create"), Some(_), Some(kind))
            if ["hash:", "bitmap:", "list:"]
                .iter()
                .any(|p| kind.starts_with(p)) =>
        {
            Some("ipset save")
        }
        _ => None,
    }
}

/// Formats that come up beside captures.
fn other_format(start: &[u8]) -> Option<(&'static str, &'static str)> {
    const CONVERT: &str = " (editcap converts it)";
    const UNPACK: &str = ", plain or compressed with gzip, zstd or xz (unpack it first)";
    Some(match start {
        [b'B', b'Z', b'h', ..] => ("bzip2 data", UNPACK),
        [0x04, 0x22, 0x4d, 0x18, ..] => ("lz4 data", UNPACK),
        [b'P', b'K', 3, 4, ..] => ("a zip archive", UNPACK),
        [b'7', b'z', 0xbc, 0xaf, ..] => ("a 7z archive", UNPACK),
        [b's', b'n', b'o', b'o', b'p', 0, 0, 0, ..] => ("a snoop capture", CONVERT),
        [0x0a, b'T', b'R', b'S', b'N', ..] | [b'T', b'R', b'S', b'N', b'I', b'F', ..] => {
            ("a Sniffer capture", CONVERT)
        }
        [b'G', b'M', b'B', b'U', ..] => ("a Microsoft Network Monitor capture", CONVERT),
        [0x7f, b'E', b'L', b'F', ..] => ("a program", ""),
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    let shown: Vec<_> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    shown.join(" ")
}
