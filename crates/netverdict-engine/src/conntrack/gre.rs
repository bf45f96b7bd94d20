//! GRE (nf_conntrack_proto_gre.c). Of PPTP's call ids a packet carries the receiver's; the sender's is known through the
//! helper of the control connection.

use netverdict_net::{Packet, Protocol};

use super::entry::Memory;
use super::layer4::Fault;
use super::track::{Cx, Handled};
use super::{Entry, Status};

const PPP: [u8; 2] = [0x88, 0x0b];

/// The tuple's words: enhanced GRE (version 1) has a call id, plain GRE none.
pub(super) fn words(packet: &Packet<'_>, offset: usize) -> Result<(u16, u16), Fault> {
    let Ok(&[_, flags, ..]) = packet.array::<4>(offset) else {
        return Ok((0, 0));
    };
    if flags & 7 != 1 {
        return Ok((0, 0));
    }
    let Ok(&[_, _, a, b, _, _, high, low]) = packet.array::<8>(offset) else {
        return Ok((0, 0));
    };
    if [a, b] != PPP {
        return Err(Fault::Invalid("enhanced GRE that carries no PPP"));
    }
    Ok((0, u16::from_be_bytes([high, low])))
}

pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    debug_assert_eq!(entry.protocol(), Protocol::GRE);
    let timeouts = cx.settings.gre;
    if !entry.is_confirmed() {
        entry.memory = Memory::Gre {
            unreplied: timeouts.unreplied,
            replied: timeouts.replied,
        };
    }
    let (unreplied, replied) = match entry.memory {
        Memory::Gre { unreplied, replied } => (unreplied, replied),
        _ => (timeouts.unreplied, timeouts.replied),
    };
    if !entry.status.contains(Status::SEEN_REPLY) {
        cx.refresh(entry, unreplied);
        return Handled::Accept(None);
    }
    cx.refresh(entry, replied);
    if !entry.status.contains(Status::NAT_CLASH) {
        entry.status.insert(Status::ASSURED);
    }
    Handled::Accept(None)
}
