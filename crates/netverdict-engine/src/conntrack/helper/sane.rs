//! SANE (nf_conntrack_sane.c): the answer to NET_START names the data port.

use netverdict_net::Protocol;

use super::talk::Talk;
use super::{Direction, Help, unread};

const NET_START: [u8; 4] = [0, 0, 0, 7];

pub(super) fn help(talk: &mut Talk<'_, '_, '_>, requested: &mut bool) -> Help {
    if !talk.is_established() || talk.len() == 0 {
        return Help::Accept;
    }
    if talk.direction == Direction::Original {
        if talk.len() == 8 {
            *requested = match talk.start::<4>() {
                Ok(code) => *code == NET_START,
                Err(beyond) => return unread(beyond),
            };
        }
        return Help::Accept;
    }
    if !std::mem::take(requested) {
        return Help::Accept;
    }
    let port = match talk.start::<8>() {
        // Status 0, 16 zero bits, the port.
        Ok(&[0, 0, 0, 0, 0, 0, high, low]) => u16::from_be_bytes([high, low]),
        Ok(_) => return Help::Accept,
        Err(beyond) => return unread(beyond),
    };
    let original = *talk.tuple(Direction::Original);
    let end = (original.destination, port);
    let new = talk.expectation(Protocol::TCP, Some(original.source), end);
    match talk.expect(new) {
        Ok(_) => Help::Accept,
        Err(_) => Help::Drop,
    }
}
