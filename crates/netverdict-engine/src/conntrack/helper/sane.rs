//! SANE (nf_conntrack_sane.c): the answer to NET_START names the data port.

use netverdict_net::Protocol;

use super::{Announced, Direction, Found, Message};

const NET_START: [u8; 4] = [0, 0, 0, 7];

pub(super) fn read(message: &Message<'_>, requested: &mut bool) -> Found {
    if !message.established || message.payload.is_empty() {
        return Found::Nothing;
    }
    if message.direction == Direction::Original {
        if let [a, b, c, d, _, _, _, _] = *message.payload {
            *requested = [a, b, c, d] == NET_START;
        }
        return Found::Nothing;
    }
    if !std::mem::take(requested) {
        return Found::Nothing;
    }
    // Status 0, 16 zero bits, the port.
    let [0, 0, 0, 0, 0, 0, high, low, ..] = *message.payload else {
        return Found::Nothing;
    };
    let original = message.entry.original();
    Found::Announced(vec![Announced {
        protocol: Protocol::TCP,
        source: Some(original.source),
        destination: original.destination,
        port: u16::from_be_bytes([high, low]),
        follow: None,
    }])
}
