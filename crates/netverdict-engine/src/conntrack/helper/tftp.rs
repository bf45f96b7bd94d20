//! TFTP (nf_conntrack_tftp.c, nf_nat_tftp.c): a request is answered from another port.

use netverdict_net::Protocol;

use super::talk::Talk;
use super::{Direction, Help, unread};
use crate::conntrack::expect::Arrival;

pub(super) fn help(talk: &mut Talk<'_, '_, '_>) -> Help {
    match talk.start::<2>() {
        Ok([0, 1 | 2]) => {}
        Ok(_) => return Help::Accept,
        Err(beyond) => return unread(beyond),
    }
    let (original, reply) = (
        *talk.tuple(Direction::Original),
        *talk.tuple(Direction::Reply),
    );
    let end = (reply.destination, reply.destination_port);
    let mut new = talk.expectation(Protocol::UDP, Some(reply.source), end);
    if talk.is_translated() {
        new.saved = (original.source, original.source_port);
        new.arrival = Arrival::Follow(Direction::Reply);
    }
    match talk.expect(new) {
        Ok(_) => Help::Accept,
        Err(_) => Help::Drop,
    }
}
