//! Looking for an IPv6 extension header, as the matches that test one do.

use netverdict_net::header::ipv6::{self, Found, WalkError};
use netverdict_net::{Packet, Protocol};

use super::tri::hotdrop;
use crate::context::Eval;

/// Finds a header; the error is the match's answer: false without the header, hotdrop where the chain is broken.
pub(super) fn find(
    packet: &Packet<'_>,
    wanted: Protocol,
    why: &'static str,
) -> Result<Found, Eval> {
    ipv6::find(packet, Some(wanted)).map_err(|error| match error {
        WalkError::Absent | WalkError::Fragment { .. } => Eval::False,
        WalkError::Beyond(beyond) => hotdrop(beyond, why),
    })
}
