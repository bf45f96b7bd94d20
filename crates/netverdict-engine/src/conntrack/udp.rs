//! UDP (`nf_conntrack_udp_packet`).

use netverdict_net::{Packet, Protocol};

use super::checksum;
use super::entry::Memory;
use super::layer4::Fault;
use super::track::{Cx, Handled, Turn};
use super::{Entry, Status};

/// An answered flow counts as a stream when it is older than this.
const STREAM_SECONDS: i64 = 2;

pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    match check(&cx) {
        Ok(()) => take(entry, cx.turn()),
        Err(fault) => fault.into(),
    }
}

/// Takes one datagram of a flow, whose header was read and found right.
#[inline]
pub(super) fn take(entry: &mut Entry, cx: Turn<'_>) -> Handled {
    if !entry.is_confirmed() {
        let stream_from = cx.now.0 + STREAM_SECONDS * cx.settings.hz;
        entry.memory = Memory::Udp { stream_from };
    }
    let timeouts = cx.settings.udp;
    if !entry.status.contains(Status::SEEN_REPLY) {
        cx.refresh(entry, timeouts.unreplied);
        return Handled::Accept(None);
    }
    let stream_from = match entry.memory {
        Memory::Udp { stream_from } => stream_from,
        // An entry that was there before the capture began: old enough.
        _ => i64::MIN,
    };
    if cx.now.0 > stream_from {
        cx.refresh(entry, timeouts.replied);
        if !entry.status.contains(Status::NAT_CLASH) {
            entry.status.insert(Status::ASSURED);
        }
    } else {
        cx.refresh(entry, timeouts.unreplied);
    }
    Handled::Accept(None)
}

/// Checks the header's length; whether it has a checksum.
pub(crate) fn parse(packet: &Packet<'_>, offset: usize) -> Result<bool, Fault> {
    let header = packet
        .array::<8>(offset)
        .map_err(Fault::reading("UDP header beyond the packet"))?;
    let len = usize::from(u16::from_be_bytes([header[4], header[5]]));
    if len < 8 || len > packet.len() - offset {
        return Err(Fault::Invalid("UDP length does not fit"));
    }
    Ok([header[6], header[7]] != [0, 0])
}

fn check(cx: &Cx<'_, '_>) -> Result<(), Fault> {
    let is_summed = parse(cx.packet, cx.at.offset)?;
    if !is_summed || !cx.verify {
        return Ok(());
    }
    checksum::verify(cx.packet, cx.at.offset, Protocol::UDP, None)
}
