//! Amanda (nf_conntrack_amanda.c, nf_nat_amanda.c): the client's answer names up to four ports.

use memchr::memmem;
use netverdict_net::Protocol;

use super::talk::Talk;
use super::text::decimal;
use super::{Direction, Help, unread};
use crate::conntrack::expect::Arrival;

/// How long the control connection then lives: answers can be long in coming.
const MASTER_SECONDS: i64 = 300;
const CONNECT: &[u8] = b"CONNECT ";
const KEYS: [&[u8]; 4] = [b"DATA ", b"MESG ", b"INDEX ", b"STATE "];
/// A port has no more digits, and no more are read.
const DIGITS: usize = 5;

pub(super) fn help(talk: &mut Talk<'_, '_, '_>) -> Help {
    if talk.direction == Direction::Original {
        return Help::Accept;
    }
    talk.lengthen(MASTER_SECONDS);
    let payload = match talk.payload() {
        Ok(payload) => payload,
        Err(beyond) => return unread(beyond),
    };
    let Some((start, stop)) = line(payload) else {
        return Help::Accept;
    };
    let mut said = Help::Accept;
    for key in KEYS {
        // A port rewritten to another length moves what follows, but not the line's end.
        let line = talk.payload().ok().and_then(|all| all.get(start..stop));
        let Some(at) = line.and_then(|line| Some(memmem::find(line, key)? + key.len())) else {
            continue;
        };
        let rest = line.and_then(|line| line.get(at..)).unwrap_or_default();
        let (port, digits) = decimal(&rest[..rest.len().min(DIGITS)]);
        if port as u16 == 0 {
            break;
        }
        said = announce(talk, port as u16, start + at, digits);
    }
    said
}

fn announce(talk: &mut Talk<'_, '_, '_>, port: u16, at: usize, digits: usize) -> Help {
    let original = *talk.tuple(Direction::Original);
    let end = (original.destination, port);
    let mut new = talk.expectation(Protocol::TCP, Some(original.source), end);
    if !talk.is_translated() {
        return match talk.expect(new) {
            Ok(_) => Help::Accept,
            Err(_) => Help::Drop,
        };
    }
    new.saved = end;
    new.arrival = Arrival::Follow(Direction::Original);
    let Some((id, port)) = talk.expect_anywhere(new) else {
        return Help::Drop;
    };
    if talk.replace(at, digits, port.to_string().as_bytes()) {
        Help::Accept
    } else {
        talk.conntrack.unexpect(id);
        Help::Drop
    }
}

/// Where what follows `CONNECT ` begins, and its line's end.
fn line(payload: &[u8]) -> Option<(usize, usize)> {
    let start = memmem::find(payload, CONNECT)? + CONNECT.len();
    let len = memchr::memchr(b'\n', payload.get(start..)?)?;
    Some((start, start + len))
}
