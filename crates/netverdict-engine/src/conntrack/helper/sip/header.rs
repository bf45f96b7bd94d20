//! Headers of SIP messages, which may go on over several lines, found as the kernel finds them.

use netverdict_net::Family;

use super::{Span, address};
use crate::conntrack::Addr;
use crate::conntrack::helper::text::{begins, number};

/// A header: its name, its short name, what stands before what is sought in it, and what that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    name: &'static [u8],
    short: Option<&'static [u8]>,
    search: Option<&'static [u8]>,
    value: Value,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Digits,
    /// An address with its port.
    Host,
    /// The same, behind a user and `@`.
    UserHost,
}

impl Header {
    pub(super) const CSEQ: Self = Self::new(b"CSeq", None, None, Value::Digits);
    pub(super) const FROM: Self = Self::new(b"From", Some(b"f"), Some(b"sip:"), Value::UserHost);
    pub(super) const TO: Self = Self::new(b"To", Some(b"t"), Some(b"sip:"), Value::UserHost);
    pub(super) const CONTACT: Self =
        Self::new(b"Contact", Some(b"m"), Some(b"sip:"), Value::UserHost);
    pub(super) const VIA_UDP: Self = Self::new(b"Via", Some(b"v"), Some(b"UDP "), Value::Host);
    pub(super) const VIA_TCP: Self = Self::new(b"Via", Some(b"v"), Some(b"TCP "), Value::Host);
    pub(super) const EXPIRES: Self = Self::new(b"Expires", None, None, Value::Digits);
    pub(super) const CONTENT_LENGTH: Self =
        Self::new(b"Content-Length", Some(b"l"), None, Value::Digits);

    const fn new(
        name: &'static [u8],
        short: Option<&'static [u8]>,
        search: Option<&'static [u8]>,
        value: Value,
    ) -> Self {
        Self {
            name,
            short,
            search,
            value,
        }
    }

    /// How much of the text the name takes; a short one must not go on as a word.
    fn name_len(&self, text: &[u8]) -> Option<usize> {
        if begins(text, self.name) {
            return Some(self.name.len());
        }
        let short = self.short.filter(|short| begins(text, short))?;
        let next = text.get(short.len())?;
        (!next.is_ascii_alphabetic()).then_some(short.len())
    }

    /// What is sought at the start of a text: how much is passed over, and its length.
    fn measure(&self, text: &[u8], family: Family) -> Span {
        let digits = || text.iter().take_while(|b| b.is_ascii_digit()).count();
        match self.value {
            Value::Digits => (0, digits()),
            Value::Host => (0, address::len_with_port(text, family)),
            Value::UserHost => host_behind_user(text, family),
        }
    }
}

/// `skp_epaddr_len`: what is before an `@` on the line is the user.
pub(super) fn host_behind_user(text: &[u8], family: Family) -> Span {
    let end = text.iter().position(|b| matches!(b, b'@' | b'\r' | b'\n'));
    let start = match end {
        Some(at) if text[at] == b'@' => at + 1,
        _ => 0,
    };
    (start, address::len_with_port(&text[start..], family))
}

/// What a search came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search<T> {
    Found(T),
    None,
    /// There is one that cannot be read, here.
    Broken(usize),
}

impl<T> Search<T> {
    pub(super) fn found(self) -> Option<T> {
        match self {
            Self::Found(found) => Some(found),
            Self::None | Self::Broken(_) => None,
        }
    }
}

/// Finds a header at the begin of a line behind `from` (`ct_sip_get_header`).
pub(super) fn find(data: &[u8], from: usize, header: Header, family: Family) -> Search<Span> {
    let mut at = from;
    while at < data.len() {
        if !matches!(data[at], b'\r' | b'\n') {
            at += 1;
            continue;
        }
        at += 1;
        if data.get(at - 1) == Some(&b'\r') && data.get(at) == Some(&b'\n') {
            at += 1;
        }
        let rest = data.get(at..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let Some(len) = header.name_len(rest).filter(|_| !is_blank(rest[0])) else {
            at += 1;
            continue;
        };
        let Some(value) = skip_colon(data, at + len) else {
            break;
        };
        return read(data, value, header, family);
    }
    Search::None
}

fn read(data: &[u8], value: usize, header: Header, family: Family) -> Search<Span> {
    let at = match header.search {
        None => Some(value),
        Some(sought) => search(data, value, data.len(), sought).map(|at| at + sought.len()),
    };
    let Some(at) = at else {
        return Search::Broken(value);
    };
    match header.measure(data.get(at..).unwrap_or_default(), family) {
        (_, 0) => Search::Broken(value),
        (skipped, len) => Search::Found((at + skipped, len)),
    }
}

fn skip_colon(data: &[u8], at: usize) -> Option<usize> {
    let colon = skip_blanks(data, at)?;
    if data.get(colon) != Some(&b':') || colon + 1 >= data.len() {
        return None;
    }
    skip_blanks(data, colon + 1)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `sip_skip_whitespace`, which passes over a character of each line gone on with.
fn skip_blanks(data: &[u8], mut at: usize) -> Option<usize> {
    while let Some(byte) = data.get(at) {
        match byte {
            b' ' => {}
            b'\r' | b'\n' => at = continued(data, at, data.len())?,
            _ => break,
        }
        at += 1;
    }
    Some(at)
}

/// Where a header goes on behind a line's end (`sip_follow_continuation`).
fn continued(data: &[u8], end: usize, limit: usize) -> Option<usize> {
    let data = &data[..limit.min(data.len())];
    let mut at = end + 1;
    if data.get(end) == Some(&b'\r') && data.get(at) == Some(&b'\n') {
        at += 1;
    }
    is_blank(*data.get(at)?).then_some(())?;
    while data.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    Some(at)
}

/// Finds a word in a header's value, before `limit` (`ct_sip_header_search`).
pub(super) fn search(data: &[u8], mut at: usize, limit: usize, sought: &[u8]) -> Option<usize> {
    let limit = limit.min(data.len()).checked_sub(sought.len())?;
    while at < limit {
        if matches!(data[at], b'\r' | b'\n') {
            at = continued(data, at, limit)?;
        } else if begins(&data[at..], sought) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The next value of a header that has several behind commas (`ct_sip_next_header`).
fn next(data: &[u8], from: usize, header: Header, family: Family) -> Search<Span> {
    let sought = header.search.unwrap_or_default();
    let found = search(data, from, data.len(), b",")
        .and_then(|comma| search(data, comma, data.len(), sought));
    let Some(at) = found.map(|at| at + sought.len()) else {
        return Search::None;
    };
    match header.measure(data.get(at..).unwrap_or_default(), family) {
        (_, 0) => Search::Broken(at),
        (skipped, len) => Search::Found((at + skipped, len)),
    }
}

/// An address in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uri {
    pub(super) span: Span,
    pub(super) address: Addr,
    pub(super) port: u16,
}

/// The addresses of a header, one after the other (`ct_sip_parse_header_uri` with its offset).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Uris {
    at: usize,
    inside: bool,
}

impl Uris {
    pub(super) fn next(&mut self, data: &[u8], header: Header, family: Family) -> Search<Uri> {
        let span = match self.walk(data, header, family) {
            Search::Found(span) => span,
            Search::None | Search::Broken(_) => return Search::None,
        };
        let rest = &data[span.0..];
        let parsed = address::parse(rest, family, true).and_then(|(address, len)| {
            let (port, more) = address::port(&rest[len..])?;
            Some((address, port, span.0 + len + more))
        });
        let Some((address, port, end)) = parsed else {
            return Search::Broken(span.0);
        };
        self.at = end;
        Search::Found(Uri {
            span,
            address,
            port,
        })
    }

    /// `ct_sip_walk_headers`: passes over those that cannot be read.
    fn walk(&mut self, data: &[u8], header: Header, family: Family) -> Search<Span> {
        let mut from = self.at;
        if self.inside {
            loop {
                match next(data, from, header, family) {
                    Search::Broken(at) => from = at.max(from + 1),
                    Search::None => break,
                    found @ Search::Found(_) => return found,
                }
            }
            self.inside = false;
        }
        loop {
            match find(data, from, header, family) {
                Search::Broken(at) => from = at.max(from + 1),
                Search::None => return Search::None,
                found @ Search::Found(_) => {
                    self.inside = true;
                    return found;
                }
            }
        }
    }
}

/// The first address of a header.
pub(super) fn uri(data: &[u8], header: Header, family: Family) -> Search<Uri> {
    Uris::default().next(data, header, family)
}

/// Where a value's parameters end.
fn parameters_end(data: &[u8], from: usize) -> usize {
    search(data, from, data.len(), b",").unwrap_or(data.len())
}

/// Where the text of a parameter begins.
fn parameter(data: &[u8], from: usize, name: &[u8]) -> Option<(usize, usize)> {
    let end = parameters_end(data, from);
    let at = search(data, from, end, name)? + name.len();
    Some((at, end))
}

/// The text of a parameter (`ct_sip_parse_param`).
pub(super) fn text_parameter<'d>(data: &'d [u8], from: usize, name: &[u8]) -> Option<&'d [u8]> {
    let (at, _) = parameter(data, from, name)?;
    data.get(at..)
}

/// A number in a parameter (`ct_sip_parse_numerical_param`).
pub(super) fn number_parameter(data: &[u8], from: usize, name: &[u8]) -> Option<(u32, Span)> {
    let (at, _) = parameter(data, from, name)?;
    let (value, len) = number(&data[at..]);
    (len > 0).then_some((value as u32, (at, len)))
}

/// An address in a parameter (`ct_sip_parse_address_param`).
pub(super) fn address_parameter(
    data: &[u8],
    from: usize,
    name: &[u8],
    family: Family,
    delimited: bool,
) -> Option<(Addr, Span)> {
    let (at, end) = parameter(data, from, name)?;
    let (address, len) = address::parse(data.get(at..end)?, family, delimited)?;
    Some((address, (at, len)))
}
