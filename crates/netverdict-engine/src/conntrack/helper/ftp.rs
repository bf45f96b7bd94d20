//! FTP (nf_conntrack_ftp.c): PORT and EPRT of the client, the answers 227 and 229 of the server.

use std::net::Ipv6Addr;

use netverdict_net::{Family, Protocol};

use super::{Announced, Direction, Found, Message, decimal};
use crate::conntrack::Addr;

/// Sequence numbers that follow a line's end, the last two of each direction: only what begins there is a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Lines {
    after: [[u32; 2]; 2],
    count: [u8; 2],
}

impl Lines {
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

/// An address, where the text gives one, and a port.
type Place = (Option<Addr>, u16);

/// Whether a payload is a command, and what it says.
enum Command {
    Other,
    Partial,
    Place(Place),
}

pub(super) fn read(message: &Message<'_>, lines: &mut Lines) -> Found {
    let Some(last) = message.payload.last().filter(|_| message.established) else {
        return Found::Nothing;
    };
    let found = if lines.begins_at(message.direction, message.sequence) {
        judge(message)
    } else {
        Found::Nothing
    };
    if *last == b'\n' && found != Found::Partial {
        let end = message.sequence.wrapping_add(message.payload.len() as u32);
        lines.ends_at(message.direction, end);
    }
    found
}

fn judge(message: &Message<'_>) -> Found {
    let family = message.entry.family();
    let data = message.payload;
    let commands: [Command; 2] = match message.direction {
        Direction::Original => [
            command(data, b"PORT", Some(b' '), |text| numbers(text, Some(b'\r'))),
            command(data, b"EPRT", Some(b' '), |text| eprt(text, family)),
        ],
        Direction::Reply => [
            command(data, b"227 ", None, passive),
            command(data, b"229 ", Some(b'('), epsv),
        ],
    };
    for command in commands {
        match command {
            Command::Other => {}
            Command::Partial => return Found::Partial,
            Command::Place((address, port)) => return announce(message, address, port),
        }
    }
    Found::Nothing
}

/// Only its own address may be announced, lest it open holes to others.
fn announce(message: &Message<'_>, address: Option<Addr>, port: u16) -> Found {
    if address.is_some_and(|address| address != message.own().source) {
        return Found::Nothing;
    }
    Found::Announced(vec![Announced {
        protocol: Protocol::TCP,
        source: Some(message.other().source),
        destination: message.other().destination,
        port,
        follow: None,
    }])
}

/// `find_pattern`: the keyword, all up to a character, then the numbers.
fn command(
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
    parse(rest).map_or(Command::Partial, Command::Place)
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
    let ([a, b, c, d, high, low], _) = sequence::<6>(text, b',', terminator)?;
    Some((Some(dotted([a, b, c, d])), (high << 8 | low) as u16))
}

fn dotted([a, b, c, d]: [u32; 4]) -> Addr {
    Addr::from(a << 24 | b << 16 | c << 8 | d)
}

fn passive(text: &[u8]) -> Option<Place> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    numbers(&text[start..], None)
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
    let port = port(rest.get(len + 1..)?, delimiter)?;
    Some((Some(address), port))
}

/// `|||1024|`.
fn epsv(text: &[u8]) -> Option<Place> {
    let delimiter = delimiter(text)?;
    if text[1..3] != [delimiter; 2] {
        return None;
    }
    Some((None, port(&text[3..], delimiter)?))
}

fn port(text: &[u8], delimiter: u8) -> Option<u16> {
    let (port, digits) = decimal(text);
    let port = port as u16;
    (port != 0 && text.get(digits) == Some(&delimiter)).then_some(port)
}
