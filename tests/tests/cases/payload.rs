//! Payloads as lines of text. A line ends with CR LF, but for one with a backslash at its end.

use super::packet;

/// What follows a word on a line; nothing is an empty line.
pub(crate) fn behind<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    let rest = line.strip_prefix(word)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix(' ')
    }
}

/// The bytes of one line: `\r`, `\n`, `\t`, `\\` and `\xNN` are escapes.
pub(crate) fn read(line: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            None => return Ok(bytes),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'\\') => bytes.push(b'\\'),
            Some(b'x') => {
                let digits: String = rest.by_ref().take(2).map(char::from).collect();
                let byte = u8::from_str_radix(&digits, 16);
                bytes.push(byte.map_err(|_| format!("`\\x{digits}` is no byte"))?);
            }
            Some(other) => return Err(format!("`\\{}` is no escape", char::from(other))),
        }
    }
    bytes.extend(b"\r\n");
    Ok(bytes)
}

/// The lines of a payload.
fn lines(payload: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = payload;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(escape(&rest[..at]));
        rest = &rest[at + 2..];
    }
    if !rest.is_empty() {
        lines.push(format!("{}\\", escape(rest)));
    }
    lines
}

fn escape(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    text.replace("\\\"", "\"").replace("\\'", "'")
}

/// What left, if it is other than what came.
pub(crate) fn changed(came: &[u8], left: Option<&[u8]>) -> Vec<String> {
    match (packet::payload(came), left.and_then(packet::payload)) {
        (Some(came), Some(left)) if came != left => lines(left),
        _ => Vec::new(),
    }
}
