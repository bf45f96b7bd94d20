//! Lines of session descriptions (RFC 4566), found as the kernel finds them.

use netverdict_net::Family;

use super::header::Search;
use super::{Span, address};
use crate::conntrack::Addr;
use crate::conntrack::helper::text::begins;

/// A line of a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Version,
    Owner,
    Connection,
    Media,
}

impl Line {
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Version => b"v=",
            Self::Owner => b"o=",
            Self::Connection => b"c=",
            Self::Media => b"m=",
        }
    }

    const fn search(self, family: Family) -> &'static [u8] {
        match (self, family) {
            (Self::Version | Self::Media, _) => b"",
            (_, Family::V4) => b"IN IP4 ",
            (_, Family::V6) => b"IN IP6 ",
        }
    }

    fn measure(self, text: &[u8], family: Family) -> usize {
        let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
        match self {
            Self::Version => digits(text),
            Self::Owner | Self::Connection => match address::parse(text, family, false) {
                None => 0,
                Some((_, len)) => match text.get(len) {
                    Some(b':') => len + 1 + digits(&text[len + 1..]),
                    _ => len,
                },
            },
            // The media's name, a blank and the port.
            Self::Media => {
                let word = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
                match text.get(word) {
                    Some(b' ') => word + 1 + digits(&text[word + 1..]),
                    _ => 0,
                }
            }
        }
    }
}

/// Finds a line behind `from`, but not behind one of `until` (`ct_sip_get_sdp_header`).
pub(super) fn find(
    data: &[u8],
    from: usize,
    line: Line,
    until: Option<Line>,
    family: Family,
) -> Search<Span> {
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
        if rest.is_empty() || until.is_some_and(|until| begins(rest, until.name())) {
            break;
        }
        if !begins(rest, line.name()) {
            at += 1;
            continue;
        }
        return read(data, at + line.name().len(), line, family);
    }
    Search::None
}

fn read(data: &[u8], start: usize, line: Line, family: Family) -> Search<Span> {
    let sought = line.search(family);
    let Some(at) = search(data, start, sought) else {
        return Search::Broken(start);
    };
    match line.measure(data.get(at..).unwrap_or_default(), family) {
        0 => Search::Broken(start),
        len => Search::Found((at, len)),
    }
}

/// Behind a word on the rest of the line (`ct_sdp_header_search`).
fn search(data: &[u8], start: usize, sought: &[u8]) -> Option<usize> {
    if sought.is_empty() {
        return Some(start);
    }
    let limit = data.len().checked_sub(sought.len())?;
    let rest = data.get(start..limit)?;
    let len = rest.iter().position(|b| matches!(b, b'\r' | b'\n'));
    let starts = start..start + len.unwrap_or(rest.len());
    let at = starts
        .into_iter()
        .find(|at| data[*at..].starts_with(sought))?;
    Some(at + sought.len())
}

/// The address on a line (`ct_sip_parse_sdp_addr`).
pub(super) fn address(
    data: &[u8],
    from: usize,
    line: Line,
    family: Family,
) -> Option<(Addr, Span)> {
    let span = find(data, from, line, Some(Line::Media), family).found()?;
    let (address, _) = address::parse(&data[span.0..span.0 + span.1], family, false)?;
    Some((address, span))
}
