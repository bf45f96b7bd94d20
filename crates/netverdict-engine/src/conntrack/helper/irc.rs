//! IRC (nf_conntrack_irc.c, nf_nat_irc.c): a DCC offer names address and port of the one who makes it.

use netverdict_net::{Family, Protocol};

use super::talk::Talk;
use super::text::decimal;
use super::{Direction, Help, unread};
use crate::conntrack::expect::Arrival;
use crate::conntrack::{Addr, ip};

const COMMANDS: [&[u8]; 5] = [b"SEND ", b"CHAT ", b"MOVE ", b"TSEND ", b"SCHAT "];
/// The shortest offer: ` :\1DCC CHAT t AAAAAAAA P\1\n`.
const SHORTEST: usize = 26;
/// The shortest end of one: `AAAAAAAA P\1\n`.
const SHORTEST_END: usize = 12;
/// Only so much of a payload is read.
const LIMIT: usize = 4095;

/// An end that an offer names, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) address: u32,
    pub(super) port: u16,
    start: usize,
    len: usize,
}

pub(super) fn help(talk: &mut Talk<'_, '_, '_>) -> Help {
    let is_read = talk.direction == Direction::Original
        && talk.is_established()
        && talk.family() == Family::V4;
    if !is_read {
        return Help::Accept;
    }
    let payload = match talk.payload() {
        Ok(payload) => payload,
        Err(beyond) => return unread(beyond),
    };
    let own = [talk.own().source, talk.other().destination];
    match find(payload, own) {
        Some(offer) => announce(talk, offer),
        None => Help::Accept,
    }
}

fn announce(talk: &mut Talk<'_, '_, '_>, offer: Offer) -> Help {
    let other = *talk.other();
    let mut new = talk.expectation(Protocol::TCP, None, (other.destination, offer.port));
    if !talk.is_translated() {
        return match talk.expect(new) {
            Ok(_) => Help::Accept,
            Err(_) => Help::Drop,
        };
    }
    new.saved = (other.destination, offer.port);
    new.arrival = Arrival::Follow(Direction::Reply);
    let Some((id, port)) = talk.expect_anywhere(new) else {
        return Help::Drop;
    };
    let text = match ip(other.family, other.destination) {
        std::net::IpAddr::V4(address) => format!("{} {port}", address.to_bits()),
        std::net::IpAddr::V6(_) => return Help::Drop,
    };
    if talk.replace(offer.start, offer.len, text.as_bytes()) {
        Help::Accept
    } else {
        talk.conntrack.unexpect(id);
        Help::Drop
    }
}

/// The first offer in a message of one of these addresses.
pub(super) fn find(payload: &[u8], own: [Addr; 2]) -> Option<Offer> {
    let data = &payload[..payload.len().min(LIMIT)];
    let mut at = begin(data)?;
    while at + SHORTEST < data.len() {
        if !data[at..].starts_with(b" :") {
            at += 1;
            continue;
        }
        at += 2;
        // Only the first words of a message are looked at.
        if !data[at..].starts_with(b"\x01DCC ") {
            return None;
        }
        at += 5;
        for command in COMMANDS {
            if !data[at..].starts_with(command) {
                continue;
            }
            at += command.len();
            let Some(offer) = parse(data, at) else {
                continue;
            };
            if offer.port != 0 && own.contains(&offer.address.into()) {
                return Some(offer);
            }
        }
    }
    None
}

/// Where the arguments of PRIVMSG begin, blanks before it passed over.
fn begin(data: &[u8]) -> Option<usize> {
    let limit = data.len().saturating_sub(10);
    let blanks = data[..limit]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let at = blanks.count();
    if at >= limit {
        return Some(at);
    }
    let command = data.get(at..at + 8)?;
    command.eq_ignore_ascii_case(b"PRIVMSG ").then_some(at + 8)
}

/// `word address port`, with a line's end somewhere behind (`parse_dcc`).
fn parse(data: &[u8], mut at: usize) -> Option<Offer> {
    loop {
        let byte = *data.get(at)?;
        at += 1;
        if byte == b' ' {
            break;
        }
        if at + SHORTEST_END > data.len() {
            return None;
        }
    }
    let rest = data.get(at..)?;
    if !rest.contains(&b'\n') {
        return None;
    }
    let (address, digits) = decimal(rest);
    let blanks = rest[digits..].iter().take_while(|byte| **byte == b' ');
    let second = digits + blanks.count();
    let (port, more) = decimal(&rest[second..]);
    Some(Offer {
        address: address as u32,
        port: port as u16,
        start: at,
        len: second + more,
    })
}
