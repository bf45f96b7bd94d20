//! Amanda (nf_conntrack_amanda.c): the client's answer names up to four ports.

use memchr::memmem;
use netverdict_net::Protocol;

use super::{Announced, Direction, Found, Message, decimal};

/// How long the control connection then lives: answers can be long in coming.
pub(super) const MASTER_SECONDS: i64 = 300;

pub(super) fn read(message: &Message<'_>) -> Found {
    if message.direction == Direction::Original {
        return Found::Nothing;
    }
    let Some(line) = line(message.payload) else {
        return Found::Nothing;
    };
    let original = message.entry.original();
    let mut announced = Vec::new();
    for key in [&b"DATA "[..], b"MESG ", b"INDEX ", b"STATE "] {
        let Some(at) = memmem::find(line, key) else {
            continue;
        };
        let (port, digits) = decimal(line.get(at + key.len()..).unwrap_or_default());
        if port as u16 == 0 || digits > 5 {
            break;
        }
        announced.push(Announced {
            protocol: Protocol::TCP,
            source: Some(original.source),
            destination: original.destination,
            port: port as u16,
            follow: None,
        });
    }
    Found::Announced(announced)
}

/// What follows `CONNECT ` up to the line's end.
fn line(payload: &[u8]) -> Option<&[u8]> {
    const CONNECT: &[u8] = b"CONNECT ";
    let rest = payload.get(memmem::find(payload, CONNECT)? + CONNECT.len()..)?;
    rest.get(..memchr::memchr(b'\n', rest)?)
}
