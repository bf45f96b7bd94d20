//! FTP (nf_conntrack_ftp.c): PORT and EPRT of the client, the answers 227 and 229 of the server.

use std::net::{Ipv4Addr, Ipv6Addr};

use netverdict_net::{Family, Protocol};

use super::talk::Talk;
use super::text::decimal;
use super::{Direction, Help, unread};
use crate::conntrack::expect::Arrival;
use crate::conntrack::{Addr, ip};

/// Sequence numbers that follow a line's end, the last two of each direction: only what begins there is a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lines {
    after: [[u32; 2]; 2],
    count: [u8; 2],
    /// Whether the next segment is taken for the begin of a line, whatever its number.
    pick_up: [bool; 2],
}

impl Lines {
    pub(super) const fn resumed() -> Self {
        Self {
            after: [[0; 2]; 2],
            count: [0; 2],
            pick_up: [true; 2],
        }
    }

    /// Whether a segment begins a line.
    fn begin(&mut self, direction: Direction, sequence: u32) -> bool {
        self.begins_at(direction, sequence) || std::mem::take(&mut self.pick_up[direction.index()])
    }

    fn begins_at(&self, direction: Direction, sequence: u32) -> bool {
        let index = direction.index();
        let count = usize::from(self.count[index]);
        self.after[index][..count].contains(&sequence)
    }

    /// Remembers a line's end in place of the older one.
    fn ends_at(&mut self, direction: Direction, sequence: u32) {
        if self.begins_at(direction, sequence) {
            return;
        }
        let index = direction.index();
        let count = self.count[index];
        let slot = if count < 2 {
            self.count[index] += 1;
            usize::from(count)
        } else {
            let [first, second] = self.after[index];
            usize::from((first.wrapping_sub(second) as i32) >= 0)
        };
        self.after[index][slot] = sequence;
    }
}

/// How an end is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `10,0,0,1,4,0`, after PORT and 227.
    Numbers,
    /// `|1|10.0.0.1|1024|`.
    Eprt,
    /// `|||1024|`.
    Epsv,
}

/// An end that a text names: the address where it has one, the port, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) address: Option<Addr>,
    pub(super) port: u16,
    start: usize,
    len: usize,
}

/// Whether a payload is a command, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Other,
    /// Half of one: the kernel drops the packet, for its tracking would be wrong.
    Partial,
    Place(Form, Place),
}

pub(super) fn help(talk: &mut Talk<'_, '_, '_>, lines: &mut Lines) -> Help {
    if !talk.is_established() || talk.len() == 0 {
        return Help::Accept;
    }
    let payload = match talk.payload() {
        Ok(payload) => payload,
        Err(beyond) => return unread(beyond),
    };
    let (direction, sequence) = (talk.direction, talk.sequence());
    let is_line = payload.last() == Some(&b'\n');
    let end = sequence.wrapping_add(payload.len() as u32);
    let mut said = Help::Accept;
    if lines.begin(direction, sequence) {
        match command(direction, talk.family(), payload) {
            Command::Other => {}
            Command::Partial => return Help::Drop,
            Command::Place(form, place) => said = announce(talk, form, place),
        }
    }
    if is_line {
        lines.ends_at(direction, end);
    }
    said
}

/// What a payload says.
pub(super) fn command(direction: Direction, family: Family, data: &[u8]) -> Command {
    let commands: [(Form, Command); 2] = match direction {
        Direction::Original => [
            (
                Form::Numbers,
                find(data, b"PORT", Some(b' '), |text| numbers(text, Some(b'\r'))),
            ),
            (
                Form::Eprt,
                find(data, b"EPRT", Some(b' '), |text| eprt(text, family)),
            ),
        ],
        Direction::Reply => [
            (Form::Numbers, find(data, b"227 ", None, passive)),
            (Form::Epsv, find(data, b"229 ", Some(b'('), epsv)),
        ],
    };
    for (form, command) in commands {
        match command {
            Command::Other => {}
            Command::Partial => return Command::Partial,
            Command::Place(_, place) => return Command::Place(form, place),
        }
    }
    Command::Other
}

/// Only its own address may be announced, lest it open holes to others.
fn announce(talk: &mut Talk<'_, '_, '_>, form: Form, place: Place) -> Help {
    let (own, other) = (*talk.own(), *talk.other());
    if place.address.is_some_and(|address| address != own.source) {
        return Help::Accept;
    }
    let mut new = talk.expectation(
        Protocol::TCP,
        Some(other.source),
        (other.destination, place.port),
    );
    if !talk.is_translated() {
        return match talk.expect(new) {
            Ok(_) => Help::Accept,
            Err(_) => Help::Drop,
        };
    }
    new.saved = (other.destination, place.port);
    new.arrival = Arrival::Follow(talk.direction.other());
    let Some((id, port)) = talk.expect_anywhere(new) else {
        return Help::Drop;
    };
    let text = form.text(ip(other.family, other.destination), port);
    if talk.replace(place.start, place.len, text.as_bytes()) {
        Help::Accept
    } else {
        talk.conntrack.unexpect(id);
        Help::Drop
    }
}

impl Form {
    /// `nf_nat_ftp_fmt_cmd`: an IPv6 address is written in full.
    fn text(self, address: std::net::IpAddr, port: u16) -> String {
        use std::net::IpAddr::{V4, V6};
        match (self, address) {
            (Self::Epsv, _) => format!("|||{port}|"),
            (Self::Eprt, V6(address)) => {
                let words = address.segments().map(|word| format!("{word:04x}"));
                format!("|2|{}|{port}|", words.join(":"))
            }
            (Self::Eprt, V4(address)) => format!("|1|{address}|{port}|"),
            (Self::Numbers, address) => {
                let [a, b, c, d] = match address {
                    V4(address) => address.octets(),
                    V6(address) => Ipv4Addr::from_bits((address.to_bits() >> 96) as u32).octets(),
                };
                format!("{a},{b},{c},{d},{},{}", port >> 8, port & 0xff)
            }
        }
    }
}

/// `find_pattern`: the keyword, all up to a character, then the numbers.
fn find(
    data: &[u8],
    keyword: &[u8],
    skip: Option<u8>,
    parse: impl Fn(&[u8]) -> Option<Place>,
) -> Command {
    let len = data.len().min(keyword.len());
    if !data[..len].eq_ignore_ascii_case(&keyword[..len]) {
        return Command::Other;
    }
    let Some(mut rest) = data.get(keyword.len()..).filter(|rest| !rest.is_empty()) else {
        return Command::Partial;
    };
    if let Some(skip) = skip {
        match rest.iter().position(|byte| *byte == skip) {
            Some(at) => rest = &rest[at + 1..],
            None => return Command::Partial,
        }
    }
    let skipped = data.len() - rest.len();
    parse(rest).map_or(Command::Partial, |place| {
        let start = place.start + skipped;
        Command::Place(Form::Numbers, Place { start, ..place })
    })
}

/// `try_number`: so many numbers with a separator between; a character must follow that is no part of them, the
/// terminator if one is asked for. The length, too.
fn sequence<const N: usize>(
    text: &[u8],
    separator: u8,
    terminator: Option<u8>,
) -> Option<([u32; N], usize)> {
    let mut numbers = [0_u32; N];
    let mut index = 0;
    for (len, byte) in text.iter().enumerate() {
        let number = numbers.get_mut(index)?;
        match byte {
            b'0'..=b'9' => *number = number.wrapping_mul(10).wrapping_add(u32::from(byte - b'0')),
            _ if *byte == separator => index += 1,
            _ => {
                let ends = terminator.is_none_or(|terminator| terminator == *byte);
                return (ends && index == N - 1).then_some((numbers, len));
            }
        }
    }
    None
}

/// `10,0,0,1,4,0`: the decimals are not held to 255, they overflow into their neighbours.
fn numbers(text: &[u8], terminator: Option<u8>) -> Option<Place> {
    let ([a, b, c, d, high, low], len) = sequence::<6>(text, b',', terminator)?;
    // No numbers at all are none.
    (len > 0).then_some(Place {
        address: Some(dotted([a, b, c, d])),
        port: (high << 8 | low) as u16,
        start: 0,
        len,
    })
}

fn dotted([a, b, c, d]: [u32; 4]) -> Addr {
    Addr::from(a << 24 | b << 16 | c << 8 | d)
}

fn passive(text: &[u8]) -> Option<Place> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    let place = numbers(&text[start..], None)?;
    Some(Place { start, ..place })
}

fn delimiter(text: &[u8]) -> Option<u8> {
    let first = *text.first().filter(|_| text.len() > 3)?;
    (first.is_ascii_graphic() && !first.is_ascii_digit()).then_some(first)
}

/// `|1|10.0.0.1|1024|` or `|2|fd00::1|1024|`.
fn eprt(text: &[u8], family: Family) -> Option<Place> {
    let delimiter = delimiter(text)?;
    let version = match family {
        Family::V4 => b'1',
        Family::V6 => b'2',
    };
    if text[1] != version || text[2] != delimiter {
        return None;
    }
    let rest = &text[3..];
    let (address, len) = match family {
        Family::V4 => {
            let (parts, len) = sequence::<4>(rest, b'.', Some(delimiter))?;
            (dotted(parts), len)
        }
        Family::V6 => {
            let len = rest.iter().position(|byte| *byte == delimiter)?;
            let address = std::str::from_utf8(&rest[..len]).ok()?;
            (address.parse::<Ipv6Addr>().ok()?.to_bits(), len)
        }
    };
    let (port, digits) = port(rest.get(len + 1..)?, delimiter)?;
    Some(Place {
        address: Some(address),
        port,
        start: 0,
        len: 3 + len + 1 + digits + 1,
    })
}

/// `|||1024|`.
fn epsv(text: &[u8]) -> Option<Place> {
    let delimiter = delimiter(text)?;
    if text[1..3] != [delimiter; 2] {
        return None;
    }
    let (port, digits) = port(&text[3..], delimiter)?;
    Some(Place {
        address: None,
        port,
        start: 0,
        len: 3 + digits + 1,
    })
}

/// The port, and how many digits it has.
fn port(text: &[u8], delimiter: u8) -> Option<(u16, usize)> {
    let (port, digits) = decimal(text);
    let port = port as u16;
    (port != 0 && text.get(digits) == Some(&delimiter)).then_some((port, digits))
}
