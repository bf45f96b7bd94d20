//! TFTP (nf_conntrack_tftp.c): a request is answered from another port.

use netverdict_net::Protocol;

use super::{Announced, Direction, Follow, Found, Message};

pub(super) fn read(message: &Message<'_>) -> Found {
    let [0, 1 | 2, ..] = message.payload else {
        return Found::Nothing;
    };
    let (original, reply) = (
        message.entry.tuple(Direction::Original),
        message.entry.tuple(Direction::Reply),
    );
    Found::Announced(vec![Announced {
        protocol: Protocol::UDP,
        source: Some(reply.source),
        destination: reply.destination,
        port: reply.destination_port,
        follow: message.is_translated().then_some(Follow {
            source: original.destination,
            destination: original.source,
            port: original.source_port,
        }),
    }])
}
